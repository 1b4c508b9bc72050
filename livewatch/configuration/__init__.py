"""What the configuration file may say: its schema, the file written from it, and taking up what changed."""
