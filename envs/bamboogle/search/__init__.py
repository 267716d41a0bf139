"""Search backends: a bundled index, and three web services."""
