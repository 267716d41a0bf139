"""Bamboogle (arXiv 2210.03350): two-hop questions with a search tool."""
