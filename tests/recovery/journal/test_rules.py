"""The rules in force are in the audit: how the agent began, and what somebody changed while it ran."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from livewatch.recovery.journal import Journal
from livewatch.recovery.journal.audit import read_audit
from livewatch.recovery.journal.rules import CONFIGURATION
from livewatch.recovery.settings import Policy
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import Mode
from tests.recovery.journal.facts import a_tick, an_act

CHANGED = (
    "configure mode observe -> abort, budget_actions 10 -> 3, warn_after 2m00s -> 1m00s, abort_after 6m00s -> 10m00s"
)
Keep = Callable[..., Journal]


def told(path: Path) -> list[tuple[str, int | None, str]]:
    return [(e.who if e.uid is None else "", e.uid, e.why) for e in read_audit(path).entries]


async def test_a_start_and_every_change_are_told_once_and_sameness_never(keep: Keep, path: Path) -> None:
    rules = [(Policy(), Thresholds())]
    journal = keep()
    journal.follow(lambda: rules[0])
    journal.on_tick(a_tick(1))
    journal.on_tick(a_tick(2))
    rules[0] = (Policy(mode=Mode.ABORT, budget_actions=3), Thresholds(warn_after_s=60.0, abort_after_s=600.0))
    journal.on_tick(a_tick(3))
    rules[0] = (replace(rules[0][0]), rules[0][1])  # read again, and nothing in it changed
    journal.on_tick(a_tick(4))
    assert journal.close(10.0)
    assert told(path) == [
        ("", os.geteuid(), "start with mode observe, warn_after 2m00s, abort_after 6m00s"),
        (
            CONFIGURATION,
            None,
            CHANGED,
        ),
    ]


async def test_what_a_restart_command_holds_stays_out_of_the_journal(keep: Keep, path: Path) -> None:
    rules = [(Policy(), Thresholds())]
    journal = keep()
    journal.follow(lambda: rules[0])
    journal.on_tick(a_tick(1))
    rules[0] = (Policy(restart_command=("restart", "--token=hunter2"), dry_run=True), Thresholds())
    journal.on_tick(a_tick(2))
    assert journal.close(10.0)
    assert told(path)[1][2] == "configure dry_run False -> True, restart_command changed"
    assert b"hunter2" not in await asyncio.to_thread(path.read_bytes)


async def test_a_change_stands_before_what_it_allowed(keep: Keep, path: Path) -> None:
    rules = [(Policy(), Thresholds())]
    journal = keep()
    journal.follow(lambda: rules[0])
    journal.on_tick(a_tick(1))
    rules[0] = (Policy(mode=Mode.ABORT), Thresholds())
    await journal.intent(an_act())  # decided in the round whose end has not come yet
    journal.on_tick(a_tick(2))
    assert journal.close(10.0)
    told_of = [e.why.split()[0] if e.who == CONFIGURATION else e.what for e in read_audit(path).entries]
    assert told_of.index("configure") < told_of.index("abort_run")
