"""What runs write and how it is read back: strict JSON, checks, and which settings are obeyed."""
