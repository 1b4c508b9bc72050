"""The journal: what the agent saw, meant to do, did and saw again, in one SQLite file that survives ``kill -9``."""

from livewatch.recovery.journal.journal import Journal, JournalHealth

__all__ = ["Journal", "JournalHealth"]
