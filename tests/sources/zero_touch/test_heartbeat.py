"""What the source makes of the watcher's last reading, when that reading is late."""

import pytest

from livewatch.sources.process import _heartbeat_s
from livewatch.sources.zero_touch.loop_state import LoopState
from livewatch.sources.zero_touch.loop_watch import LoopReading


@pytest.mark.parametrize(
    ("reading", "now_s", "expected"),
    [
        (LoopReading(LoopState.ACTIVE, 100.0, 100.0), 100.0, 100.0),
        (LoopReading(LoopState.COMPUTING, 70.0, 100.0, blocked=True), 100.0, 70.0),
        (LoopReading(LoopState.ACTIVE, 100.0, 100.0), 103.0, 103.0),  # the watcher is late: not the loop's fault
        (LoopReading(LoopState.COMPUTING, 70.0, 100.0, blocked=True), 103.0, 73.0),
        (LoopReading(LoopState.ACTIVE, 101.0, 101.0), 100.0, 100.0),  # looked after the moment that is judged
        (LoopReading(LoopState.ACTIVE, 100.0, 100.0), 700.0, None),
        (LoopReading(LoopState.QUIET, 70.0, 100.0, settled=False), 100.0, None),
        (LoopReading(LoopState.UNKNOWN, 70.0, 100.0), 100.0, None),
    ],
)
def test_only_watched_time_ages_the_loop(reading: LoopReading, now_s: float, expected: float | None) -> None:
    assert _heartbeat_s(reading, now_s) == expected
