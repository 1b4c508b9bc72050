"""Where snapshots come from and actions go to."""
