"""An agent that is itself stopped for seconds, at random moments, does nothing wrong when it wakes up."""

import signal
import threading
from random import Random

from tests.live.test_gateway_process import Place, Start, agent, fixture_place, fixture_start, gateway
from tests.waiting import until

__all__ = ["fixture_place", "fixture_start"]
PAUSES = 4


def test_healthy_sessions_are_left_alone_by_an_agent_that_keeps_falling_asleep(place: Place, start: Start) -> None:
    gateway(place, start)
    watcher = agent(place, start, "--warn-after", "1s", "--abort-after", "2s")
    place.until_state("responsive")
    random, never = Random(4), threading.Event()
    for _ in range(PAUSES):
        never.wait(random.uniform(0.0, 0.3))
        watcher.send_signal(signal.SIGSTOP)
        never.wait(random.uniform(1.0, 3.0))  # longer than the limits: what it saw before is old when it wakes up
        watcher.send_signal(signal.SIGCONT)
    until(lambda: place.status().get("sessions", {}).get("total", 0) >= 4, "an answer after the last pause")

    status = place.status()
    assert status["last_actions"] == []
    assert not [row for row in status["attention"] if row["attention"] == "stuck"]
    watcher.send_signal(signal.SIGTERM)
    assert watcher.wait() == 0
