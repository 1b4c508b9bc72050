import pytest

from livewatch.sources.openclaw.source import FIRST_LOOK_WITHIN_S
from livewatch.supervision.health import livez, readyz
from livewatch.supervision.pulse import Phase, Pulse
from tests.supervision.ticks import blind, seen


class Time:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def pulse(phase: Phase = Phase.OPEN, interval_s: float = 1.0) -> tuple[Pulse, Time]:
    time = Time()
    made = Pulse(time, interval_s)
    made.phase = phase
    return made, time


def test_an_agent_that_ticks_is_alive_also_when_it_sees_nothing() -> None:
    made, time = pulse()
    for _ in range(100):
        time.now_s += 10.0
        made.on_tick(blind())
        assert livez(made)[0] == readyz(made)[0] == 200


def test_an_agent_that_stops_ticking_is_dead_past_the_bound_and_says_for_how_long() -> None:
    made, time = pulse()
    made.on_tick(seen())
    time.now_s += made.bound_s
    before = livez(made)
    time.now_s += 0.5
    status, document = livez(made)

    assert before[0] == 200
    assert (status, document["ok"], document["error"]["type"]) == (503, False, "not_ticking")
    assert "20.5 s" in document["error"]["message"]
    assert readyz(made)[1]["error"]["type"] == "not_ticking"


def test_a_first_tick_that_never_comes_is_noticed() -> None:
    made, time = pulse()
    time.now_s += made.bound_s + 1.0
    assert livez(made)[0] == 503


@pytest.mark.parametrize(("interval_s", "bound_s"), [(0.1, 20.0), (1.0, 20.0), (60.0, 300.0)])
def test_the_bound_grows_with_the_interval(interval_s: float, bound_s: float) -> None:
    assert pulse(interval_s=interval_s)[0].bound_s == bound_s


@pytest.mark.parametrize(
    ("phase", "ticks", "kind"),
    [
        (Phase.OPENING, 0, "opening"),
        (Phase.OPENING, 1, "opening"),
        (Phase.OPEN, 0, "opening"),
        (Phase.OPEN, 1, None),
        (Phase.STOPPING, 1, "stopping"),
    ],
)
def test_ready_means_open_and_ticked_and_not_ending_while_all_of_these_are_alive(
    phase: Phase, ticks: int, kind: str | None
) -> None:
    made, _ = pulse(phase)
    for _ in range(ticks):
        made.on_tick(seen())
    status, document = readyz(made)

    assert livez(made)[0] == 200
    assert (status, document.get("error", {}).get("type")) == (200 if kind is None else 503, kind)


def test_the_longest_first_look_is_within_the_bound() -> None:
    assert pulse()[0].bound_s > FIRST_LOOK_WITHIN_S


def test_the_document_names_nothing_of_the_gateway() -> None:
    made, _ = pulse()
    made.on_tick(blind("no board at /secret/path"))
    assert set(livez(made)[1]) == {"schema_version", "ok", "version", "phase", "ticks", "age_s", "bound_s"}
