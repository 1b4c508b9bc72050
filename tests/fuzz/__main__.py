"""``python -m tests.fuzz``: every target for a time; prints executions, findings and seeds, keeps findings."""

import argparse
import faulthandler
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.engine import Coverage, Found, Fuzzer, Tally
from tests.fuzz.target import CORPUS, Target
from tests.fuzz.targets import TARGETS

_STUCK_S = 300.0


def main() -> int:
    """Return 1 when something was found."""
    arguments = _arguments()
    chosen = [target for target in TARGETS if not arguments.only or target.name in arguments.only]
    if not chosen:
        print(f"no such target; known: {', '.join(target.name for target in TARGETS)}", file=sys.stderr)  # noqa: T201 -- it is there to print
        return 2
    seed: int = arguments.seed
    print(f"seed {seed}, {arguments.seconds:g} s a target")  # noqa: T201 -- it is there to print
    print(f"{'target':18} {'executions':>10} {'a second':>9} {'pool':>6} {'lines':>6} {'outcomes':>8} {'findings':>8}")  # noqa: T201 -- it is there to print
    found: list[Found] = []
    total = 0
    for kind in chosen:
        tally = _run(kind, seed, arguments.seconds, lines=not arguments.blind)
        total += tally.executions
        found += tally.found.values()
        _print(tally)
    print(f"{'all':18} {total:>10}")  # noqa: T201 -- it is there to print
    for one in found:
        path = _keep(one, arguments.keep)
        print(f"\n{one.target}: {one.signature}\n  kept as {path}\n{one.text}", file=sys.stderr)  # noqa: T201 -- it is there to print
    return 1 if found else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to run each target (default: 20)")
    parser.add_argument("--only", action="append", metavar="TARGET", help="run this target only; may be repeated")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the same seed gives the same inputs")
    parser.add_argument("--blind", action="store_true", help="do not follow lines: more inputs, less guided")
    parser.add_argument("--keep", type=Path, default=CORPUS, help="folder in which findings are kept")
    return parser.parse_args()


def _run(kind: type[Target], seed: int, seconds: float, *, lines: bool) -> Tally:
    faulthandler.dump_traceback_later(seconds + _STUCK_S, exit=True)  # whoever blocks for ever is shown and ended
    with tempfile.TemporaryDirectory(prefix="lwf", dir=_memory()) as folder:
        target = kind(Path(folder))
        try:
            fuzzer = Fuzzer(target, seed, coverage=Coverage() if lines else None)
            began_s = time.monotonic()
            fuzzer.corpus()
            return fuzzer.mutations(seconds=max(0.0, seconds - (time.monotonic() - began_s)))
        finally:
            target.close()
            faulthandler.cancel_dump_traceback_later()


def _memory() -> str | None:
    """Return a folder in memory, where there is one: a disk would be most of what is measured."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # a private folder is made in it


def _keep(found: Found, corpus: Path) -> Path:
    folder = corpus / found.target
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / found.file_name
    path.write_bytes(found.data)
    return path


def _print(tally: Tally) -> None:
    rate = tally.executions / max(tally.seconds, 1e-9)
    print(  # noqa: T201 -- it is there to print
        f"{tally.target:18} {tally.executions:>10} {rate:>9.0f} {tally.pool:>6} {tally.lines:>6}"
        f" {len(tally.outcomes):>8} {len(tally.found):>8}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
