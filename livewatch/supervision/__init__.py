"""How the supervisor of the agent itself (systemd, Kubernetes) knows that the agent is alive: by its ticks."""
