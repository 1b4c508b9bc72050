"""Looks at a board without pause; answers every line on standard input with what it saw last, as one line."""

import json
import select
import sys
from pathlib import Path

from livewatch.clock import SystemClock
from livewatch.sources.base import SourceError
from livewatch.sources.board import BoardSource


def main() -> None:
    """Read until standard input ends."""
    source = BoardSource(Path(sys.argv[1]), None, SystemClock())
    looks = refused = 0
    while True:
        try:
            snapshot = source._sample(source._clock.monotonic_s())
            seen: object = sorted(snapshot.sessions)
        except SourceError as error:
            seen = str(error)
            refused += 1
        looks += 1
        if select.select([sys.stdin], [], [], 0.0)[0]:
            if not sys.stdin.readline():
                return
            print(json.dumps({"looks": looks, "refused": refused, "seen": seen}), flush=True)  # noqa: T201 -- it is there to print


if __name__ == "__main__":
    main()
