"""``livewatch simulate --random``: worlds one after the other, what went wrong in them, and the tally."""

import json
import signal
import sys
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import click

from livewatch.cli.exits import Exit, end

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from livewatch.simulation.kept_failure import KeptFailure
    from livewatch.simulation.shrink import Shrinker
    from livewatch.simulation.tally import Tally, WorldResult

_KEPT_MAX = 5
"""Failures that are cut down and kept; one of each kind."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line."""

    worlds: int | None
    """``None`` goes on until it is stopped."""
    hours: float
    seed: int
    jobs: int
    shrink_for_s: float
    keep: Path
    as_json: bool

    def again(self, seed: int) -> str:
        """Return the command that runs one of the worlds again."""
        return f"livewatch simulate --random 1 --hours {self.hours:g} --seed {seed}"


@dataclass(slots=True)
class _Failures:
    """What went wrong, by symptom; the first of each is kept."""

    kept: "dict[tuple[str, str], KeptFailure]"
    rows: list[dict[str, object]]


def run_random(wish: Wish) -> None:
    """Run the worlds, print what went wrong at once and the tally at the end."""
    from livewatch.simulation.soak import run_worlds
    from livewatch.simulation.tally import Tally

    tally, failures, began_s = Tally(), _Failures({}, []), time.monotonic()
    seeds: Iterable[int] = count(wish.seed) if wish.worlds is None else range(wish.seed, wish.seed + wish.worlds)
    stopped, before = False, signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for result in run_worlds(seeds, wish.hours, wish.jobs):
            tally.add(result)
            tally.real_s = time.monotonic() - began_s
            if result.failures:
                _failed(result, wish, failures)
            _line(_so_far(tally, wish))
    except KeyboardInterrupt:
        stopped = True
    finally:
        signal.signal(signal.SIGTERM, before)
        _line("")
    _print(tally, failures, wish)
    if tally.failed_seeds:
        raise click.exceptions.Exit(int(Exit.PROBLEM))
    if stopped and wish.worlds is not None:
        raise click.exceptions.Exit(int(Exit.INTERRUPTED))


def _print(tally: "Tally", failures: _Failures, wish: Wish) -> None:
    if wish.as_json:
        click.echo(json.dumps({"ok": not tally.failed_seeds, **tally.facts(), "failures": failures.rows}))
    else:
        click.echo("\n".join(tally.lines()))


def _failed(result: "WorldResult", wish: Wish, failures: _Failures) -> None:
    """Say what went wrong, and keep the first world of each kind of failure."""
    assert result.failure is not None
    _line("")
    if not wish.as_json:
        click.echo("\n".join((f"FAIL  seed {result.seed} (again: {wish.again(result.seed)})", *result.failures)))
    symptom = result.failure.symptom
    if symptom not in failures.kept and len(failures.kept) < _KEPT_MAX:
        failures.kept[symptom] = kept = _keep(result, wish)
        if not wish.as_json:
            click.echo(f"      cut down from {kept.before} to {kept.after}\n      replay: {kept.command}")
    same = failures.kept.get(symptom)
    failures.rows.append(
        {
            "seed": result.seed,
            "again": wish.again(result.seed),
            "expected": result.failure.what,
            "but": result.failure.why,
            "scenario": None if same is None else str(same.path),
            "replay": None if same is None else same.command,
        }
    )


def _keep(result: "WorldResult", wish: Wish) -> "KeptFailure":
    from livewatch.simulation.kept_failure import keep_failure
    from livewatch.simulation.random_worlds import random_tables

    assert result.failure is not None
    path, raw = wish.keep / f"world-{result.seed}.toml", random_tables(result.seed, wish.hours)
    until_s = time.monotonic() + wish.shrink_for_s
    _say(f"cutting down seed {result.seed}, for {wish.shrink_for_s:g} s at most ...")
    try:
        return keep_failure(
            path, raw, result.failure, over=lambda: time.monotonic() >= until_s, progress=_shrinking(result.seed)
        )
    except OSError as error:
        message = f"the failing world cannot be kept as {path}: {error.strerror}; choose a folder with --keep"
        raise end(Exit.USAGE, message, as_json=wish.as_json, kind="keep") from error
    finally:
        _line("")


def _shrinking(seed: int) -> "Callable[[Shrinker], None]":
    return lambda shrinker: _line(f"cutting down seed {seed}: {shrinker.size} after {shrinker.runs} runs")


def _so_far(tally: "Tally", wish: Wish) -> str:
    of = "" if wish.worlds is None else f" of {wish.worlds}"
    return f"{tally.worlds}{of} worlds, {tally.virtual_s / 3600:.0f} virtual hours, {len(tally.failed_seeds)} failed"


def _say(text: str) -> None:
    """Say once where nobody sees a line that changes."""
    if not sys.stderr.isatty():
        click.echo(text, err=True)


def _line(text: str) -> None:
    """Show how far it is, on a terminal only; an empty text wipes the line."""
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{text}", nl=False, err=True)
