"""Chat templates: how messages become text and tokens."""
