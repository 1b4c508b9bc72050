"""`livewatch doctor` on a real gateway and a real agent: well, then with one after the other taken away."""

import json
import signal
from pathlib import Path
from typing import Any

from tests.live.test_gateway_process import Place, Start, agent, fixture_place, fixture_start, gateway, run_to_end
from tests.waiting import until

__all__ = ["fixture_place", "fixture_start"]


def doctor(place: Place, *arguments: object) -> tuple[int, dict[str, Any]]:
    ended = run_to_end("doctor", "--agent", place.agent, "--state-dir", place.folder, "--json", *arguments)
    document = json.loads(ended.stdout)
    rows = {f"{row['group']}: {row['check']}": row for row in document["checks"]}
    return ended.returncode, {name: row["health"] for name, row in rows.items()} | {"text": ended.stdout}


def files(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*") if "sessions" not in str(path))


def test_everything_is_well_then_the_agent_is_killed_then_the_gateway(place: Place, start: Start) -> None:
    patient = gateway(place, start)
    watcher = agent(place, start, "--metrics-listen", "127.0.0.1:0")
    place.until_state("responsive")
    until((place.folder / "gateway.journal.sqlite-wal").exists, "the journal")
    before = files(place.folder)
    code, well = doctor(place)  # board and socket are the agent's: nobody had to name them
    assert (code, files(place.folder)) == (0, before), well["text"]
    asked = ("agent: running", "agent: one actor", "gateway: board", "gateway: process", "gateway: control")
    asked += ("journal: integrity", "journal: writing", "telemetry: Prometheus")
    assert {name: well[name] for name in asked} == dict.fromkeys(asked, "ok")

    watcher.send_signal(signal.SIGKILL)
    watcher.wait()
    paths = ("--board", place.board, "--socket", place.socket)
    code, alone = doctor(place, *paths)
    assert (code, alone["agent: running"], alone["gateway: board"]) == (0, "warning", "ok"), alone["text"]

    patient.send_signal(signal.SIGKILL)
    patient.wait()
    code, dead = doctor(place, *paths)
    assert (code, dead["gateway: process"], dead["gateway: control"]) == (1, "failure", "failure"), dead["text"]


def test_a_second_agent_is_told_that_it_only_observes(place: Place, start: Start) -> None:
    gateway(place, start)
    agent(place, start)
    place.until_state("responsive")
    second = place.folder / "second"
    agent(place, start, "--agent-socket", second)
    until(second.exists, "the second agent")
    until(lambda: doctor(place, "--agent", second)[1]["agent: one actor"] == "warning", "the warning")
