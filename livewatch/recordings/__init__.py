"""Recordings: every round of an agent as a bounded set of compressed files, for `replay` and `tune`."""
