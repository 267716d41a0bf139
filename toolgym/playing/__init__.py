"""How episodes are played: at once, with wrappers, stopped, or with an agent that fails."""
