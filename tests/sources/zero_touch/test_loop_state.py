"""The window of looks, as measured on real threads."""

import pytest

from livewatch.sources.zero_touch.loop_state import LoopState, ThreadSample, loop_state


def window(state: str, cpu_s: float, switches: int) -> list[ThreadSample]:
    first = ThreadSample(100.0, state, 5.0, 70)
    return [
        first,
        ThreadSample(100.25, state, 5.0 + cpu_s / 2, 70 + switches // 2),
        ThreadSample(100.5, state, 5.0 + cpu_s, 70 + switches),
    ]


@pytest.mark.parametrize(
    ("state", "cpu_s", "switches", "expected"),
    [
        ("S", 0.0, 25, LoopState.ACTIVE),
        ("R", 0.5, 0, LoopState.COMPUTING),
        ("S", 0.0, 0, LoopState.QUIET),
        ("T", 0.0, 0, LoopState.STOPPED),
        ("R", 0.0, 0, LoopState.STARVED),
        ("D", 0.0, 0, LoopState.QUIET),
        ("R", 0.45, 3, LoopState.ACTIVE),
        ("R", 0.0, 4, LoopState.STARVED),
    ],
)
def test_what_was_measured_is_told_apart(state: str, cpu_s: float, switches: int, expected: LoopState) -> None:
    assert loop_state(window(state, cpu_s, switches)) is expected


def test_too_little_or_backwards_is_unknown() -> None:
    assert loop_state([]) is LoopState.UNKNOWN
    assert loop_state(window("S", 0.0, 5)[:1]) is LoopState.UNKNOWN
    assert loop_state(window("S", 0.0, -5)) is LoopState.UNKNOWN
