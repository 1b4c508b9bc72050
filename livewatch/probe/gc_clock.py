"""How long the garbage collector has held everybody up, on the board."""

import contextlib
import gc
import time

from livewatch.probe.board import BoardWriter

FULL_GENERATION = 2
"""Younger generations are collected many times a second, each in well under a millisecond."""


class GcClock:
    """Counts the time of full collections, and marks one while it runs: then even the probe's thread stands."""

    def __init__(self, board: BoardWriter) -> None:
        self._board = board
        self._since_ns = 0

    def start(self) -> None:
        """Begin."""
        gc.callbacks.append(self._on_collection)

    def stop(self) -> None:
        """End; safe before `start` and twice."""
        with contextlib.suppress(ValueError):
            gc.callbacks.remove(self._on_collection)

    def _on_collection(self, phase: str, info: dict[str, int]) -> None:
        if info["generation"] < FULL_GENERATION:
            return
        now_ns = time.monotonic_ns()
        if phase == "start":
            self._since_ns = now_ns
            self._board.set("gc_since_ns", now_ns)
        elif self._since_ns:
            self._board.add("gc_ns", now_ns - self._since_ns)
            self._board.set("gc_since_ns", 0)
            self._since_ns = 0
