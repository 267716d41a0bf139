"""ToolRL (arXiv 2504.13958): the data that the paper trains on."""
