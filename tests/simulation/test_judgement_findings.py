"""What unseen reports showed to be judged wrongly, each beside siblings with other numbers, lanes and hidden facts.

The letters are those of the findings: ``docs/classification.md`` says what became of each.
"""

from pathlib import Path

import pytest

from livewatch.simulation.record import Record
from livewatch.simulation.report import failure_lines
from livewatch.simulation.runner import run_scenario
from livewatch.simulation.schema import read_scenario

LANES = "".join(f'[lanes.{kind}]\nkind = "{kind}"\n' for kind in ("main", "cron", "session"))


def ran(text: str, *, duration: str = "1h", repair_within: str = "20m", session: str = "") -> Record:
    """Run a world of one session ``main`` (and what the text adds), check it, and return what happened."""
    head = (
        f'title = "t"\nduration = "{duration}"\nrepair_within = "{repair_within}"\n{LANES}[sessions.main]\n{session}\n'
    )
    run = run_scenario(read_scenario(Path("finding.toml"), head + text))
    assert run.passed, "\n".join(failure_lines(run))
    return run.record


def message(turn: str, to: str = "main", at: str = "10s") -> str:
    return f'[[script]]\nat = "{at}"\ndo = "message"\nto = "{to}"\nturn = {turn}\n'


def deeds(record: Record, session: str = "main") -> list[tuple[str, float]]:
    return [(deed.action.kind.value, deed.at_s) for deed in record.deeds if deed.action.session == session]


def sick(record: Record, session: str = "main") -> list[str]:
    return [str(mark) for mark in record.labels.get(session, []) if mark.sick]


# J1


@pytest.mark.parametrize(
    ("attempt", "backoff", "extra", "within"),
    [
        ("3s", "30s", "", "8m"),
        ("3s", "87s", "", "18m"),
        ("1s", "2s", "", "8m"),
        ("3s", "5m", "", "55m"),
        ("3s", "30s", ", hidden_backoff = true", "8m"),
    ],
)
def test_j1_retries_that_yield_nothing_end_whatever_back_off_is_declared(
    attempt: str, backoff: str, extra: str, within: str
) -> None:
    turn = f'[{{ model = "gpt", attempts = "always", attempt = "{attempt}", backoff = "{backoff}"{extra} }}]'
    record = ran(message(turn), duration="1h30m", repair_within=within)

    assert [kind for kind, _ in deeds(record)] == ["abort_run"]


@pytest.mark.parametrize(("before", "tries", "backoff"), [("30m", 12, "2s"), ("2m", 9, "90s"), ("10s", 3, "10m")])
def test_j1_retries_of_a_turn_that_was_at_work_until_they_began_are_given_their_time(
    before: str, tries: int, backoff: str
) -> None:
    works = f'{{ model = "gpt", takes = "{before}", progress = "5s" }}'
    fails = f'{{ model = "gpt", attempts = {tries}, attempt = "1s", backoff = "{backoff}", takes = "20s" }}'
    record = ran(message(f"[{works}, {fails}]"))

    assert not deeds(record)
    assert not sick(record)


# J2


@pytest.mark.parametrize("hides", ['["state"]', '["state", "queued"]', '["state", "activity", "generation"]'])
@pytest.mark.parametrize("lane", ["session", "cron"])
def test_j2_a_session_that_answered_and_rests_is_left_alone_where_its_state_cannot_be_seen(
    hides: str, lane: str
) -> None:
    turn = '[{ model = "gpt", takes = "20s", progress = "2s" }]'
    record = ran(message(turn), session=f'hides = {hides}\nlane = "{lane}"')

    assert not record.deeds
    assert not sick(record)
    assert not record.told


@pytest.mark.parametrize(
    "step",
    [
        '{ model = "gpt", takes = "20m", progress = "2s" }',
        '{ model = "cli", takes = "40m", progress = "30s" }',
        '{ tool = "exec", takes = "30m", progress = "10s" }',
        '{ work = "", takes = "25m", progress = "1s" }',
    ],
)
def test_j2b_work_whose_progress_cannot_be_seen_is_told_and_never_ended(step: str) -> None:
    record = ran(message(f"[{step}]"), session='hides = ["progress"]')

    assert not record.deeds
    assert record.told["main"][0] < 20 * 60
    assert [message.state.value for message in record.messages] == ["answered"]


# J6


@pytest.mark.parametrize(
    ("takes", "drained", "arrives"), [("4m", "60s", "90s"), ("12m", "20s", "30s"), ("9m", "2m", "3m")]
)
def test_j6_what_waits_for_the_end_of_a_healthy_drain_is_not_sick(takes: str, drained: str, arrives: str) -> None:
    works = message(f'[{{ model = "gpt", takes = "{takes}", progress = "5s" }}]')
    drain = f'[[script]]\nat = "{drained}"\ndo = "drain"\n'
    waits = message('[{ model = "gpt", takes = "20s", progress = "2s" }]', "waits", arrives)
    record = ran(f"[sessions.waits]\n{works}{drain}{waits}")

    assert not sick(record, "waits")
    assert not record.told
    assert record.restarts == 1
    assert [m.state.value for m in record.messages if m.session == "waits"] == ["answered"]


# J7


@pytest.mark.parametrize("step", ['tool = "x"', 'model = "gpt"', 'compaction = "auto"'])
@pytest.mark.parametrize("waits", [True, False])
def test_j7_an_orphan_in_state_processing_whose_owner_is_known_to_be_gone_is_released(
    step: str, *, waits: bool
) -> None:
    turn = f'{{ steps = [{{ {step}, takes = "30s", progress = "5s" }}], ends = "orphans_activity_processing" }}'
    record = ran(message(turn) + (message('[{ model = "gpt", takes = "5s" }]', at="2m") if waits else ""))

    ((kind, at_s),) = deeds(record)
    assert (kind, at_s < 4 * 60) == ("release_lane", True)
    assert all(m.state.value == "answered" for m in record.messages)


# J8


@pytest.mark.parametrize(
    "step", ['model = "gpt", progress = "5s"', 'model = "slow", progress = "100s"', 'work = "", progress = "20s"']
)
def test_j8_a_registered_run_with_an_owner_is_not_called_absent_where_its_activity_cannot_be_seen(step: str) -> None:
    later = message('[{ model = "gpt", takes = "5s" }]', at="1m")
    record = ran(message(f'[{{ {step}, takes = "20m" }}]') + later, session='hides = ["activity"]')

    assert not record.deeds
    assert not sick(record)


@pytest.mark.parametrize("step", ['model = "gpt"', 'tool = "exec"'])
def test_j8_its_dead_twin_is_told_to_a_person(step: str) -> None:
    session = 'hides = ["activity"]\nrepair = "person"'
    record = ran(message(f"[{{ {step}, hangs = true }}]"), session=session)

    assert not record.deeds
    assert record.told["main"]
    assert "stuck/queued_work_without_active_run" not in sick(record)


# J9


@pytest.mark.parametrize(("deadline", "takes"), [("4m", "8m"), ("30s", "50m"), ("10m", "11m")])
def test_j9_a_wait_for_a_child_that_is_known_to_be_alive_is_no_stall(deadline: str, takes: str) -> None:
    child = f'{{ tool = "x", takes = "{takes}", works = "5s" }}'
    turn = f'[{{ awaits = "child", spawns = [{child}], deadline = "{deadline}" }}]'
    record = ran(f"[sessions.child]\n{message(turn)}")

    assert not sick(record)
    assert not record.deeds
    assert not record.told


# J11


@pytest.mark.parametrize("takes", ["148s", "260s", "350s"])
@pytest.mark.parametrize("lane", ["session", "main"])
def test_j11_a_tool_that_is_silent_for_minutes_is_slow_and_not_blocked(takes: str, lane: str) -> None:
    record = ran(message(f'[{{ tool = "exec", takes = "{takes}" }}]'), session=f'lane = "{lane}"')

    assert not sick(record)


def test_j11_its_dead_twin_is_aborted_no_later_than_before() -> None:
    ((kind, at_s),) = deeds(ran(message('[{ tool = "exec", hangs = true }]')))

    assert (kind, at_s < 915 + 10) == ("abort_run", True)
