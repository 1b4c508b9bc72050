"""``livewatch locks``."""

import json
import time
from pathlib import Path

import click

from livewatch.cli.exits import Exit, end
from livewatch.durations import format_duration

_TWO_LOOKS_S = 6.0
"""A lock file without contents is a suspicion after 5 s: one look cannot tell."""


@click.command("locks")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--pattern", default="**/*.jsonl.lock", show_default=True, help="Which files are locks.")
@click.option(
    "--one-namespace", is_flag=True, help="No container with pids of its own writes here: a dead pid is proof."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(directory: Path, pattern: str, *, one_namespace: bool, as_json: bool) -> None:
    """Judge session write-lock files: whose they are, and which nobody can hold any more. Removes nothing.

    Takes 6 s when a lock file is empty, to tell a writer that is just beginning from one that died.
    Exit code 0: every lock is held or there is none. 1: some is not.

    \b
    Example: livewatch locks ~/.openclaw/agents --one-namespace
    """
    from livewatch.clock import SystemClock
    from livewatch.lock_watch import described
    from livewatch.locks import LockInspector, LockSettings
    from livewatch_classifiers.blindtime import BlindTime
    from livewatch_classifiers.lock import LockCondition
    from livewatch_classifiers.vocabulary import Presence

    inspector = LockInspector(LockSettings(directory, pattern, one_namespace), SystemClock())
    try:
        verdicts = inspector.inspect_now(BlindTime())
        if any(dict(v.evidence).get("payload") == Presence.ABSENT.value for v in verdicts):
            time.sleep(_TWO_LOOKS_S)
            verdicts = inspector.inspect_now(BlindTime())
    except OSError as error:
        raise end(Exit.PROBLEM, str(error), as_json=as_json, kind="unreadable") from error
    if as_json:
        click.echo(json.dumps({"schema_version": 1, "ok": True, "locks": [described(v) for v in verdicts]}, indent=2))
    else:
        for verdict in verdicts:
            facts = dict(verdict.evidence)
            held_s = facts.get("held_for_s")
            age = f", for {format_duration(held_s)}" if isinstance(held_s, float | int) else ""
            proof = "; nobody can hold it" if verdict.reclaimable else ""
            click.echo(f"{verdict.condition.value:<16} {verdict.path}  pid {facts.get('pid', '?')}{age}{proof}")
        click.echo(f"{len(verdicts)} locks{f', {inspector.skipped} not looked at' if inspector.skipped else ''}")
    if any(v.condition is not LockCondition.HELD for v in verdicts):
        raise click.exceptions.Exit(int(Exit.PROBLEM))
