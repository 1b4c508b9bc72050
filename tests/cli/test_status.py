"""What `status` says of recording and shadow: nothing while all is well, one line when it is not."""

from dataclasses import replace
from typing import Any

import pytest

from livewatch.cli import explain
from livewatch.cli.gateway_words import loop_words, opinions
from livewatch.cli.status import lines
from livewatch.local_api import views
from livewatch.local_api.history import History
from livewatch_classifiers.vocabulary import Presence, SessionState
from tests.test_agent import Stage

SHADOW = {
    "policy": "c.toml",
    "on": True,
    "problem": "",
    "disagreements": {"label": 2, "state": 0, "shadow_acts": 1, "shadow_waits": 0},
}
SAID = [{"attention": "stalled", "reason": "blocked_tool_call", "age_s": 12.0, "count": 3}]
RECORDING = {"folder": "rec", "written": 5, "dropped": 0, "problem": ""}


@pytest.mark.parametrize(
    ("aside", "said"),
    [
        ({"shadow": SHADOW}, "  shadow c.toml: disagreed 2 label, 1 shadow_acts"),
        ({"shadow": SHADOW | {"disagreements": {"label": 0}}}, "  shadow c.toml: disagreed never"),
        ({"shadow": SHADOW | {"on": False, "problem": "why"}}, "  shadow c.toml: switched off: why"),
        ({"recording": RECORDING | {"dropped": 3}}, "  recording rec: 3 rounds left out"),
        ({"recording": RECORDING | {"dropped": 3, "problem": "full"}}, "  recording rec: 3 rounds left out: full"),
        ({"recording": RECORDING, "shadow": None}, None),
    ],
)
async def test_what_runs_aside_is_told_in_one_line(aside: dict[str, Any], said: str | None) -> None:
    stage = Stage()
    await stage.tick()
    plain = views.status(stage.agent, History()) | {"holds": [], "locks": []}
    told = [line for line in lines(plain | aside) if line not in lines(plain)]
    assert told == ([] if said is None else [said])


def test_explain_says_what_stopped_the_loop_and_where() -> None:
    stack = {"age_s": 2.0, "count": 3, "text": "\n".join(f"app.py:{n} f{n}" for n in range(9))}
    vitals = {"state": "unresponsive", "reasons": ["event_loop_delay"], "cause": "own_code", "blocked_stack": stack}
    verdict = dict.fromkeys(("attention", "reason", "rule", "evidence_class", "rule_words"), "") | {"evidence": {}}
    following = {"action": None, "why": "it is well", "gates": []}
    said = explain.lines(
        {"session": "s", "verdict": verdict, "next": following, "seen": [], "lanes": [], "vitals": vitals, "tried": [],
         "repairs": 0, "quarantined": False}
    )  # fmt: skip
    at = said.index("  gateway: unresponsive (event_loop_delay, cause: own_code)")
    assert said[at + 1] == "    its loop was blocked 2s ago, seen 3 times at the same place:"
    assert said[at + 2 : at + 8] == [f"      app.py:{n} f{n}" for n in range(3, 9)]


VITALS: dict[str, Any] = {"state": "responsive", "reasons": [], "cause": "unknown", "blocked_stack": None}


@pytest.mark.parametrize(
    ("vitals", "said"),
    [
        ({"loop_delay_max_s": 0.037, "loop_heartbeat_age_s": 0.02}, "loop delay 37ms max"),
        (
            {"state": "unresponsive", "loop_delay_max_s": 0.037, "loop_heartbeat_age_s": 8.3},
            "its loop has stood still for 8.3s",
        ),
        ({"state": "starting", "loop_heartbeat_age_s": 7.0}, "its loop has stood still for 7s"),
        ({"state": "unresponsive", "round_trip_overdue_s": 12.0}, "a request has waited 12s for its answer"),
        ({"state": "gone", "loop_delay_max_s": 0.037}, ""),
        ({}, ""),
    ],
)
def test_a_delay_of_before_is_not_told_of_a_loop_that_stands_still(vitals: dict[str, Any], said: str) -> None:
    assert loop_words(VITALS | vitals) == said


async def test_what_was_done_is_told_with_its_time_and_the_state_since_when() -> None:
    """`recovered after 499ms` stood there an hour later, and read as if it had just been."""
    stage, history = Stage(), History()
    stage.source.obeys = True
    history.on_tick(await stage.tick())
    history.on_tick(await stage.tick())
    later = views.status(stage.agent, history) | {"holds": [], "locks": []}
    later["time"] += 3600.0
    told = lines(later)

    assert any("force_clear on s, 1h00m ago: recovered after" in line for line in told)
    assert " for 1h00m, " in told[0]


async def test_heartbeats_that_were_dropped_while_a_run_did_nothing_new_are_told_beside_it() -> None:
    """A failing loop held its lane for 13 min, and the six heartbeats it cost stood nowhere near it (D7)."""
    stage, history = Stage(), History()
    now_s = stage.clock.now_s
    looping = {"repeats": 99, "repeating_since_s": now_s - 60}
    stage.source.sessions = {key: replace(one, **looping) for key, one in stage.source.sessions.items()}
    for count in (3, 3, 9):  # what was dropped before the agent looked has no time, and is not counted
        stage.source.counters = {"heartbeats_dropped.run_active": count, "heartbeats_dropped.disabled": 0}
        history.on_tick(await stage.tick())
    status = views.status(stage.agent, history) | {"holds": [], "locks": []}
    explained = views.explain(stage.agent, "s", history)
    assert explained is not None

    assert any("heartbeats dropped meanwhile: 6, run_active" in line for line in lines(status))
    assert any(line.startswith("  heartbeats dropped meanwhile: 6, run_active (") for line in explain.lines(explained))
    assert not any("own detector" in line for line in explain.lines(explained | {"gateway_says": SAID}))

    well = {"run": None, "owner": Presence.ABSENT, "activity": None, "queued": 0, "state": SessionState.IDLE}
    stage.source.sessions = {key: replace(one, **well) for key, one in stage.source.sessions.items()}
    history.on_tick(await stage.tick())
    assert (views.explain(stage.agent, "s", history) or {})["heartbeats_dropped"] == {}


def test_sessions_that_cannot_be_seen_are_no_count_of_zero() -> None:
    status = {
        "target": "plain", "vitals": VITALS, "problem": "", "mode": "observe", "health_penalty": 0, "attention": [],
        "thresholds": {"warn_after_s": 120.0, "abort_after_s": 360.0}, "holds": [], "locks": [], "last_actions": [],
        "sessions": {"total": 0}, "sessions_visible": False, "time": 5.0,
    }  # fmt: skip
    told = "\n".join(lines(status))

    assert "sessions cannot be seen" in told
    assert "0 sessions" not in told


def test_what_the_gateway_says_itself_is_told_once_however_often_it_said_it() -> None:
    assert opinions({"gateway_says": SAID}) == [
        (
            "  the gateway's own detector, which names no session, said: stalled, blocked_tool_call"
            " (3 times, the latest 12s ago)"
        )
    ]
