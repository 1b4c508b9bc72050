"""Repair: a pure policy that decides, an actor that does, a journal that remembers."""
