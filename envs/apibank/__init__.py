"""API-Bank (Li et al. 2023) in the form that the ToolRL paper evaluates on."""
