"""A deterministic world in virtual time: a model gateway, its faults, scenarios, and rule sets side by side."""
