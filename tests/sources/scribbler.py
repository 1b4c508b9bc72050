"""A gateway that writes one slot in rapid bursts: every field is the same number, under the sequence lock."""

import mmap
import sys
from pathlib import Path

from livewatch.probe.layout import Layout

FIELDS = ("generation", "queued", "repeats", "state_since_ns")
BURST = 50
PAUSE = 20_000
"""Turns of an empty loop between bursts: a fraction of a millisecond."""


def main() -> None:
    path, capacity = Path(sys.argv[1]), int(sys.argv[2])
    layout = Layout(capacity)
    with path.open("r+b") as file:
        words = memoryview(mmap.mmap(file.fileno(), layout.total_bytes)).cast("q")
    seq, fields = layout.field_at("seq", 0) // 8, [layout.field_at(name, 0) // 8 for name in FIELDS]
    number = 0
    while True:
        number += 1
        words[seq] += 1
        for field in fields:
            words[field] = number
        words[seq] += 1
        if number % BURST == 0:
            for _ in range(PAUSE):
                pass


if __name__ == "__main__":
    main()
