"""Every death and every health, each with one fact hidden for ever, with and without a queue behind it.

What is unknown never leads to harm, and never to a death of which nobody hears: all but those that are listed here by
name, with the reason why nobody could know.
"""

from pathlib import Path

import pytest

from livewatch.simulation.runner import Run, run_scenario
from livewatch.simulation.schema import read_scenario
from livewatch.simulation.sessions import HIDEABLE

BOUND_S = 45 * 60.0
HEALTHY = {
    "streams": '[{ model = "gpt", takes = "20m", progress = "2s" }]',
    "trickles": '[{ model = "slow", takes = "20m", progress = "100s" }]',
    "thinks": '[{ model = "thinker", takes = "5m" }]',
    "is declared": '[{ model = "local", takes = "18m", declares = "20m" }]',
    "silent tool": '[{ tool = "exec", takes = "13m" }]',
    "working tool": '[{ tool = "build", takes = "40m", works = "4s" }]',
    "compacts": '[{ compaction = "auto", takes = "4m" }]',
    "asks": '[{ ask = "approval", tool = "exec", answered_after = "30m" }]',
    "delegates": '[{ awaits = "child", spawns = [{ model = "gpt", takes = "25m", progress = "5s" }] }]',
    "retries": '[{ model = "gpt", attempts = 3, attempt = "5s", backoff = "90s", takes = "20s" }]',
    "mid-turn": '[{ work = "", takes = "90s" }]',
}
DEAD = {
    "hung call": '[{ model = "gpt", hangs = true }]',
    "hung stream": '[{ model = "gpt", takes = "30s", progress = "3s", hangs = true }]',
    "hung tool": '[{ tool = "exec", hangs = true }]',
    "hung compaction": '[{ compaction = "auto", hangs = true }]',
    "hung mid-turn": '[{ work = "", hangs = true }]',
    "livelock": '[{ model = "gpt", attempts = "always", attempt = "5s" }]',
    "loop": '[{ tool = "exec", repeats = "2s" }]',
    "lost wake": '[{ awaits = "child", spawns = [{ model = "gpt", takes = "20s", progress = "5s" }], wake = false }]',
    "zombie": '{ timeout = "2m", on_timeout = "zombie", steps = [{ model = "gpt", hangs = true }] }',
    "undelivered": '[{ ask = "question", tool = "ask_user", delivered = false }]',
    **{
        ending: f'{{ ends = "{ending}", steps = [{{ tool = "x", takes = "20s", progress = "5s" }}] }}'
        for ending in (
            "keeps_lane",
            "keeps_handle",
            "keeps_handle_processing",
            "orphans_activity",
            "orphans_activity_processing",
            "keeps_processing",
            "keeps_store_marker",
            "leaves_store",
            "strands_queue",
        )
    },
}
_RESTS = "at rest with nothing waiting and nothing active is what a healthy session looks like"
NOBODY_COULD_KNOW: dict[tuple[str, str, bool], str] = {
    ("strands_queue", "queued", True): "the queue is the only thing that is wrong",
    ("keeps_store_marker", "store", False): "the marker is the only thing that is wrong",
    ("keeps_processing", "state", False): f"the state is the only thing that is wrong: {_RESTS}",
    ("leaves_store", "state", False): f"a session at rest need not be in the store: {_RESTS}",
    ("keeps_handle", "owner", False): f"whether the handle is registered is the only thing that is wrong: {_RESTS}",
    ("keeps_handle", "run", False): f"an owner without a run is what a source that names no runs says: {_RESTS}",
}
"""By death, hidden fact and whether messages wait."""


def world(turn: str, hidden: str, *, queue: bool) -> Run:
    waiting = '[[script]]\nat = "2m"\ndo = "message"\nto = "main"\nturn = [{ model = "gpt", takes = "5s" }]\n'
    text = (
        'title = "t"\nduration = "50m"\nrepair_within = "never"\n[agent]\nevery = "5s"\ncoarse = "10s"\n'
        f'[sessions.main]\nhides = ["{hidden}"]\n[sessions.child]\n'
        f'[[script]]\nat = "10s"\ndo = "message"\nto = "main"\nturn = {turn}\n{waiting if queue else ""}'
    )
    return run_scenario(read_scenario(Path("hidden.toml"), text))


@pytest.mark.parametrize("queue", [False, True], ids=["alone", "queue"])
@pytest.mark.parametrize("hidden", HIDEABLE)
def test_no_healthy_session_is_harmed_whatever_is_hidden_for_ever(hidden: str, *, queue: bool) -> None:
    harmed = {name for name, turn in HEALTHY.items() if world(turn, hidden, queue=queue).failures}

    assert not harmed


@pytest.mark.parametrize("queue", [False, True], ids=["alone", "queue"])
@pytest.mark.parametrize("hidden", HIDEABLE)
def test_no_death_passes_in_silence_whatever_is_hidden_for_ever(hidden: str, *, queue: bool) -> None:
    unheard = {name for name, turn in DEAD.items() if _passes_in_silence(world(turn, hidden, queue=queue))}

    assert unheard == {name for name, fact, queued in NOBODY_COULD_KNOW if (fact, queued) == (hidden, queue)}


def _passes_in_silence(run: Run) -> bool:
    """Return whether somebody died, was not repaired, and no person was told within the bound."""
    return any(
        affliction.session == "main"
        and (affliction.until_s is None or affliction.until_s > affliction.since_s + BOUND_S)
        and not run.record.told.get("main")
        and "main" not in run.record.quarantined
        for affliction in run.record.afflictions
    )
