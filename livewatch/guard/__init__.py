"""Who may ask, and what may lie where: one policy for agent and probe; standard library only."""
