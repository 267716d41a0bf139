"""AgentDojo: office work over tools whose results may carry an attacker's instructions."""
