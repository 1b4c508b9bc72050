"""A real, unmodified OpenClaw gateway, watched and repaired over its own WebSocket protocol."""
