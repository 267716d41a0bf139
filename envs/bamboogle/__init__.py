"""Bamboogle (arXiv 2210.03350): questions of two hops, with a search tool."""
