"""Replay: recorded rounds under other settings, side by side with what was said and done."""
