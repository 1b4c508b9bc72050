"""Whatever comes from outside, mutated: `python -m tests.fuzz` runs every target for a time, the test suite briefly."""
