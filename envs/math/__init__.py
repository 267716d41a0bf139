"""Mathematics with tools: problems made on demand, computed by sympy in a process of its own."""
