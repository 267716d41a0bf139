"""Mathematics with tools: generated problems, and tools that compute with sympy in a separate process."""
