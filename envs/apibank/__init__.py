"""API-Bank (arXiv 2304.08244) by ToolRL's protocol."""
