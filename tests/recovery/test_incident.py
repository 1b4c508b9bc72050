"""Rows of the journal become episodes that a person can read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from livewatch.recovery.incident import Ending, Incident, MomentKind, build_incidents
from livewatch.recovery.journal.reader import JournalUnreadableError, read_journal
from livewatch.recovery.journal.records import (
    Event,
    EventKind,
    History,
    Life,
    Settlement,
    StoredEvent,
    StoredIntent,
    StoredLife,
)
from livewatch_classifiers.vocabulary import Outcome
from tests.recovery.journal.facts import an_act, sick
from tests.recovery.journal.story import KEY, tell

SICK = {"attention": "stalled", "reason": "blocked_tool_call", "rule": "9"}
WELL = {"attention": "none", "reason": "active", "rule": "17"}


def event(
    number: int, at_s: float, kind: EventKind, data: Mapping[str, object], *, session: str | None = "s", life: int = 1
) -> StoredEvent:
    return StoredEvent(number, life, "gw", Event(1e9 + at_s, at_s, kind, session, data))


def turns(number: int, at_s: float, after: Mapping[str, object] | None, **facts: Any) -> StoredEvent:
    data = {"held_s": 1.0} | ({} if after is None else {"after": after})
    return event(number, at_s, EventKind.TRANSITION, data, **facts)


def lives(*numbers: int) -> tuple[StoredLife, ...]:
    return tuple(StoredLife(n, "gw", Life(f"t{n}", 1e9, 0.0, 1, "0")) for n in numbers)


def intent(at_s: float, *, settled_s: float | None = None, life: int = 1, settled_life: int = 1) -> StoredIntent:
    seen = settled_s is not None
    return StoredIntent(
        1,
        "gw",
        1e9 + at_s,
        at_s,
        an_act("s").action,
        sick("s"),
        how=(Settlement.SEEN if life == settled_life else Settlement.AFTER_CRASH) if seen else None,
        outcome=Outcome.RECOVERED if seen else None,
        settled_wall_s=None if settled_s is None else 1e9 + settled_s,
        settled_monotonic_s=settled_s,
        settled_life=settled_life if seen else None,
        life=life,
    )


def only(history: History) -> Incident:
    (incident,) = build_incidents(history)
    return incident


def kinds(incident: Incident) -> list[str]:
    return [moment.kind.value for moment in incident.timeline]


def test_an_episode_lasts_from_its_first_sick_label_to_the_first_well_one() -> None:
    stuck = {"attention": "stuck", "reason": "zombie_run"}
    history = History(lives(1), (turns(1, 10, SICK), turns(2, 20, stuck), turns(3, 31, WELL), turns(4, 40, SICK)))
    first, second = build_incidents(history)
    assert (first.id, first.duration_s, first.ending) == ("1", 21.0, Ending.RESOLVED)
    assert first.labels == ("stalled/blocked_tool_call", "stuck/zombie_run")
    assert (second.id, second.ending) == ("4", Ending.OPEN)


def test_slow_work_is_no_incident() -> None:
    assert (
        build_incidents(History(lives(1), (turns(1, 1, {"attention": "long_running", "reason": "active_work"}),))) == []
    )


def test_an_action_and_its_outcome_belong_to_the_episode_in_which_it_was_decided() -> None:
    history = History(lives(1), (turns(1, 10, SICK), turns(2, 14, WELL)), (intent(11, settled_s=14),))
    assert kinds(only(history)) == ["transition", "intent", "outcome", "transition"]
    assert only(history).actions == ("abort_run: recovered",)


def test_an_outcome_that_was_seen_after_the_end_is_still_told() -> None:
    history = History(lives(1), (turns(1, 10, SICK), turns(2, 14, WELL)), (intent(11, settled_s=19),))
    assert kinds(only(history)) == ["transition", "intent", "transition", "outcome"]
    assert only(history).duration_s == 4.0


def test_a_session_that_disappears_ends_its_episode_as_gone() -> None:
    assert only(History(lives(1), (turns(1, 10, SICK), turns(2, 12, None)))).ending is Ending.GONE


def test_an_episode_goes_on_over_a_restart_of_the_agent_and_says_so() -> None:
    events = (turns(1, 10, SICK), turns(2, 30, SICK, life=2), turns(3, 40, WELL, life=2))
    incident = only(History(lives(1, 2), events, (intent(11, settled_s=31, settled_life=2),)))
    assert kinds(incident) == ["transition", "intent", "agent_restarted", "transition", "outcome", "transition"]
    assert (incident.duration_s, incident.ending) == (30.0, Ending.RESOLVED)


def test_an_episode_that_the_next_agent_never_sees_again_is_lost_from_sight_not_open_for_ever() -> None:
    assert only(History(lives(1, 2), (turns(1, 10, SICK),))).ending is Ending.LOST_SIGHT
    assert only(History(lives(1), (turns(1, 10, SICK),))).ending is Ending.OPEN


def test_after_a_reboot_of_the_host_the_wall_clock_bridges_the_gap() -> None:
    events = (
        turns(1, 5_000, SICK),
        StoredEvent(2, 2, "gw", Event(1e9 + 5_060, 20.0, EventKind.TRANSITION, "s", {"after": SICK})),
    )
    assert only(History(lives(1, 2), events)).duration_s == 60.0


def test_what_befalls_the_gateway_is_an_episode_of_its_own_and_part_of_every_sick_sessions_story() -> None:
    events = (
        turns(1, 10, SICK),
        event(2, 12, EventKind.VITALS, {"state": "frozen"}, session=None),
        event(3, 20, EventKind.VITALS, {"state": "responsive"}, session=None),
        event(4, 21, EventKind.CLOCK_JUMP, {"jump_s": 3600.0}, session=None),
        turns(5, 30, WELL),
        event(6, 31, EventKind.GATEWAY_RESTARTED, {"pid": 7}, session=None),
    )
    session, gateway = build_incidents(History(lives(1), events))
    assert kinds(session) == ["transition", "vitals", "vitals", "clock_jump", "transition"]
    assert (gateway.session, gateway.labels, gateway.duration_s) == (None, ("frozen",), 8.0)


def test_the_same_session_of_two_gateways_is_two_episodes() -> None:
    other = StoredEvent(2, 1, "other", Event(1e9, 10.0, EventKind.TRANSITION, "s", {"after": SICK}))
    assert [i.target for i in build_incidents(History(lives(1), (turns(1, 10, SICK), other)))] == ["gw", "other"]


async def test_a_journal_written_by_the_agent_reads_as_one_story(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    await tell(path)
    history = read_journal(path, frames_between=(0.0, 4e9))
    session, gateway = build_incidents(history)
    assert (session.session, session.duration_s, session.ending) == (KEY, 45.0, Ending.RESOLVED)
    assert session.actions == ("abort_run: ineffective", "force_clear: recovered")
    assert [m.offset_s for m in session.timeline] == sorted(m.offset_s for m in session.timeline)
    held = [m for m in session.timeline if m.kind is MomentKind.HOLD_ENDED]
    assert [m.text for m in held] == [
        "abort_run no longer blocked by gate confirmed (blocked 3s)",
        "abort_run no longer blocked by gate responsive (blocked 19s)",
    ]
    assert gateway.labels == ("unresponsive",)
    assert max(f.snapshot.vitals.loop_delay_max_s or 0.0 for f in history.frames) >= 8.5
    assert history.unreadable == 0


def test_a_journal_that_is_not_there_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(JournalUnreadableError, match="no journal at"):
        read_journal(tmp_path / "none.sqlite")
    (tmp_path / "junk.sqlite").write_bytes(b"junk" * 1000)
    with pytest.raises(JournalUnreadableError, match="cannot be read"):
        read_journal(tmp_path / "junk.sqlite")
