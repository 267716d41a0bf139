"""What the search tool asks: a bundled index, or one of several services."""
