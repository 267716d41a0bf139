"""Seal-Tools (arXiv 2405.08355): requests that need one to six calls, nested calls included."""
