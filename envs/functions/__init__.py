"""Functions of every kind to call from one request: tasks without end, on tools that are described only."""
