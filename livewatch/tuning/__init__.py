"""Tuning: what recorded silence says about limits, with its uncertainty."""
