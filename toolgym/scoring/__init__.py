"""Scores answers that were recorded elsewhere."""
