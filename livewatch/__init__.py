"""A liveness agent for agent gateways."""

__version__ = "0.1.0"
