"""The Functions suite: one request, one decision, on functions that are described but never run."""
