"""Every round of every scenario survives the way to a recording, and thought through again it ends the same."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewatch.recordings.changes import Document, apply, change
from livewatch.recordings.entry import Entry, Said
from livewatch.recordings.lines import LineReader
from livewatch.recovery.rehearsal import Rehearsal, Rehearsed
from livewatch.recovery.rounds import Moment
from livewatch.simulation.runner import run_scenario
from livewatch.simulation.schema import load_scenario
from livewatch.simulation.trace import TraceWriter
from livewatch_classifiers.decision import Act, Action, Hold

LIBRARY = Path(__file__).parents[1] / "scenarios"
SCENARIOS = (
    "ghost_session",
    "post_terminal_hold",
    "queued_message_survives_the_abort",
    "zombie_handle_after_timeout",
    "healthy/approvals_that_take_minutes",
    "host/frozen_for_45_minutes_under_memory_pressure",
    "host/suspended_for_eight_hours",
    "host/late_timers_for_ever",
    "host/wall_clock_jumps",
    "lanes/two_messages_wait_for_each_other",
    "process/restart_after_35_dead_turns",
    "process/restart_waits_for_a_second_zombie",
    "process/rebuilt_every_90_seconds",
    "sessions/abort_says_done_and_releases_nothing",
    "sessions/levers_fail_for_a_while",
    "sessions/tool_result_is_lost",
)
"""Restarts, freezes, levers that fail, mass stalls, circles; all of the library passes, and takes a minute."""
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.text(max_size=2), VALUES, max_size=4)


class Kept:
    def __init__(self) -> None:
        self.moments: list[Moment] = []

    def on_moment(self, moment: Moment) -> None:
        self.moments.append(moment)


def recorded(path: Path) -> tuple[list[Moment], list[bytes]]:
    kept, file = Kept(), io.BytesIO()
    run_scenario(load_scenario(path), witnesses=(kept, TraceWriter(file)))
    return kept.moments, file.getvalue().splitlines(keepends=True)


def said(rehearsed: Rehearsed) -> Said:
    return Said(
        state=rehearsed.vitals.state,
        labels={key: f"{v.attention.value}/{v.reason.value}" for key, v in rehearsed.verdicts.items()},
        holds={d.session: f"{d.kind.value}/{d.gate.value}" for d in rehearsed.decisions if isinstance(d, Hold)},
        acts=tuple(plain(d.action) for d in rehearsed.decisions if isinstance(d, Act)),
    )


def plain(action: Action) -> Action:
    return replace(action, traceparent=None)


def rehearsed_again(entries: list[Entry]) -> list[Said]:
    rehearsal = Rehearsal(entries[0].thresholds, entries[0].policy)
    told: list[Said] = []
    for entry in entries:
        if entry.memory_before is not None:
            rehearsal.resume(entry.memory_before, entry.vitals_before)
        rehearsal.thresholds, rehearsal.policy = entry.thresholds, entry.policy
        told.append(said(rehearsal.step(entry.round)))
    return told


@given(before=DOCUMENTS, after=DOCUMENTS)
def test_a_change_leads_from_any_document_to_any_other(before: Document, after: Document) -> None:
    assert apply(before, change(before, after)) == after
    assert change(after, after) == {}


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_was_recorded_comes_back_and_the_same_policy_decides_the_same(name: str) -> None:
    moments, lines = recorded(LIBRARY / f"{name}.toml")
    reader = LineReader()
    entries = [reader.entry(line) for line in lines]

    assert len(entries) == len(moments)
    for moment, entry in zip(moments, entries, strict=True):
        given_snapshot = moment.round.snapshot
        assert entry.round.snapshot == (None if given_snapshot is None else replace(given_snapshot, passes=()))
        assert entry.round.completed == moment.round.completed
        assert entry.said == Said.of(moment)
        assert (entry.thresholds, entry.policy) == (moment.thresholds, moment.policy)
    assert rehearsed_again(entries) == [entry.said for entry in entries]
