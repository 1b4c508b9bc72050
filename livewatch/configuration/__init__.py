"""Settings: what they are, where they come from, what the file may say, and taking up what changed."""
