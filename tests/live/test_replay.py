"""A real gateway under a real agent that records: replayed under the same policy, it was exactly so."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

from livewatch.demo.fault import Fault
from livewatch.demo.inbound_client import InboundClient
from tests.live.test_gateway_process import Place, Start, agent, fixture_place, fixture_start, gateway, run_to_end
from tests.waiting import until

__all__ = ["fixture_place", "fixture_start"]

QUICK = """
[thresholds]
zombie_grace = "500ms"
loop_unresponsive = "30s"
[recovery]
startup_grace = "0s"
healthy_for = "0s"
"""


async def fall_ill(place: Place) -> None:
    async with InboundClient(Path(f"{place.board}.inbound")) as client:
        for fault in (Fault.ZOMBIE_RUN, Fault.HUNG_MODEL_CALL, Fault.ORPHANED_TOOL_CALL):
            await client.inject(fault, fault.value)
            await client.send(fault.value, "answer 1")


def replayed(place: Place, *options: object) -> dict[str, Any]:
    ended = run_to_end("replay", place.folder / "recording", "--json", *options)
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def test_the_recorded_policy_reproduces_a_real_run_and_a_patient_one_would_have_waited(
    place: Place, start: Start
) -> None:
    (place.folder / "quick.toml").write_text(QUICK, encoding="utf-8")
    patient = place.folder / "patient.toml"
    patient.write_text('[thresholds]\nabort_after = "1h"\nwarn_after = "50m"\nzombie_grace = "1h"\n', encoding="utf-8")
    gateway(place, start)
    limits = ("--warn-after", "1s", "--abort-after", "2s", "--config", place.folder / "quick.toml")
    watcher = agent(place, start, *limits, "--record", place.folder / "recording", "--shadow", patient)
    place.until_state("responsive", "degraded")
    asyncio.run(fall_ill(place))
    until(lambda: len({row["session"] for row in place.status().get("last_actions", ())}) >= 3, "three repairs")
    shadow = place.status()["shadow"]
    watcher.send_signal(signal.SIGTERM)
    assert watcher.wait() == 0

    assert (shadow["on"], shadow["policy"]) == (True, str(patient))
    assert shadow["disagreements"]["shadow_waits"] >= 3
    assert shadow["disagreements"]["shadow_acts"] == 0
    same, other = replayed(place), replayed(place, "--policy", patient)

    assert same["same"]
    assert (same["missing"], same["notes"], same["labels"], same["holds"]) == (0, [], [], [])
    kinds = {row["action"] for row in same["actions"] if row["recorded"] == row["replayed"]}
    assert {"abort_run", "release_lane"} <= kinds
    assert len(other["actions"]) == len(same["actions"])
    assert [row["session"] for row in other["actions"] if row["replayed"] is not None] == []


def test_a_folder_that_cannot_be_recorded_in_is_one_line_and_exit_code_2(place: Place, start: Start) -> None:
    in_the_way = place.folder / "file"
    in_the_way.touch()
    gateway(place, start)
    paths = ("--board", place.board, "--socket", place.socket, "--agent-socket", place.agent)
    ended = run_to_end("run", *paths, "--state-dir", place.folder, "--record", in_the_way / "recording")
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert f"cannot record in {in_the_way}" in ended.stderr


def test_a_shadow_that_cannot_be_used_is_one_line_and_exit_code_2(place: Place, start: Start) -> None:
    wrong = place.folder / "wrong.toml"
    wrong.write_text('[recovery]\nmode = "abrt"\n', encoding="utf-8")
    gateway(place, start)
    paths = ("--board", place.board, "--socket", place.socket, "--agent-socket", place.agent)
    ended = run_to_end("run", *paths, "--state-dir", place.folder, "--shadow", wrong)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "did you mean 'abort'" in ended.stderr
