"""Two real agents on one real gateway: one acts, the other observes, says so, and follows when the first is killed."""

import signal
from typing import Any

from livewatch.local_api.client import AgentUnreachable, ask
from tests.live.test_gateway_process import Place, Start, agent, fixture_place, fixture_start, gateway
from tests.waiting import until

__all__ = ["fixture_place", "fixture_start"]


def acting(place: Place, name: str) -> dict[str, Any]:
    try:
        document = ask(place.folder / name, "GET", "/v1/status")
    except AgentUnreachable:
        return {}
    return {"acts": document["acts"], "actor": document["actor"]}


def test_the_second_observes_and_names_the_first_and_follows_it_after_sigkill(place: Place, start: Start) -> None:
    gateway(place, start)
    first = agent(place, start, "--agent-socket", place.folder / "one")
    until(lambda: acting(place, "one").get("acts"), "the first acts")
    agent(place, start, "--agent-socket", place.folder / "two")
    until(lambda: acting(place, "two"), "the second answers")

    observed = acting(place, "two")
    assert observed["acts"] is False
    assert f"pid {first.pid} " in observed["actor"]

    first.send_signal(signal.SIGKILL)
    first.wait()
    until(lambda: acting(place, "two").get("acts"), "the second acts")
    assert acting(place, "two") == {"acts": True, "actor": ""}
