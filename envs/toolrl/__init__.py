"""ToolRL's data (arXiv 2504.13958) as an environment."""
