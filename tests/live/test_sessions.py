"""`livewatch sessions` asks a real agent about a real gateway."""

import json
from typing import Any

from livewatch.demo.fault import Fault
from tests.live.test_audit_and_events import inject
from tests.live.test_gateway_process import Place, Start, agent, fixture_place, fixture_start, gateway, run_to_end
from tests.waiting import until

__all__ = ["fixture_place", "fixture_start"]


def test_a_hung_session_is_listed_first_and_shown_whole(place: Place, start: Start) -> None:
    gateway(place, start)
    agent(place, start, "--warn-after", "500ms", "--abort-after", "2s", "--dry-run")
    place.until_state("responsive")
    inject(place, Fault.HUNG_MODEL_CALL, "hung")

    def ask(*arguments: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(
            run_to_end("sessions", *arguments, "--agent", place.agent, "--json").stdout
        )
        return document

    until(lambda: ask("list", "--attention", "stalled")["sessions"], "a stalled session")
    assert ask("list")["sessions"][0]["session"] == "hung"
    shown = ask("show", "hung")
    assert shown["facts"]["activity"]["kind"] == "model_call"
    assert shown["labels"][-1]["attention"] == "stalled"
