"""OpenClaw's own configuration, read as OpenClaw 2026.9.6 reads it; nothing is written, and nothing is executed."""
