"""A real agent: who may ask it, what it makes, and where it will not begin."""

import asyncio
import contextlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from livewatch.demo.fault import Fault
from livewatch.demo.inbound_client import InboundClient
from livewatch.recovery.journal.audit import read_audit
from livewatch.recovery.journal.reader import JournalUnreadableError
from tests.live.test_gateway_process import Place, Start, agent, fixture_place, fixture_start, gateway, run_to_end
from tests.security.servers import request
from tests.security.strangers import UID, Stranger
from tests.waiting import until

__all__ = ["fixture_place", "fixture_start"]
STATUS = request("GET", "/v1/status")
HOLD = request("POST", "/v1/hold", b'{"session": "x"}')
SHORT = (
    '[thresholds]\nwarn_after = "300ms"\nabort_after = "600ms"\n[recovery]\nhealthy_for = "0s"\nstartup_grace = "0s"\n'
)


def configured(place: Place, text: str, mode: int = 0o600) -> Path:
    path = place.folder / "livewatch.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("lists", "codes"),
    [
        ("", [b"PermissionError", b"PermissionError"]),
        (f'[agent]\nreaders = ["{UID}"]\n', [b"200", b"403"]),
        (f'[agent]\noperators = ["{UID}"]\n', [b"200", b"200"]),
    ],
    ids=["by default", "readers", "operators"],
)
def test_a_running_agent_answers_whom_its_configuration_names(
    place: Place, start: Start, stranger: Stranger, lists: str, codes: list[bytes]
) -> None:
    place.folder.chmod(0o711)
    gateway(place, start)
    agent(place, start, "--config", configured(place, lists))
    place.until_state("responsive")
    answers = [stranger.ask(place.agent, data) for data in (STATUS, HOLD)]
    if not stranger.real:  # only root can become somebody else: then it is the agent's own user who asked
        codes = [b"200" if lists else code for code in codes]

    assert [a[9:12] if a.startswith(b"HTTP") else a for a in answers] == codes
    held = [hold["session"] for hold in place.status()["holds"]]
    assert held == (["x"] if codes[1] == b"200" else [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[agent]\noperators = ["no-such-user-here"]\n', "operators: there is no user 'no-such-user-here' here"),
        ('[agent]\nreaders = ["@no-such-group-here"]\n', "readers: there is no group 'no-such-group-here' here"),
        ('[target]\nowner = "no-such-user-here"\n', "owner: there is no user 'no-such-user-here' here"),
    ],
)
def test_a_list_that_names_nobody_is_one_line_and_exit_code_2(place: Place, text: str, said: str) -> None:
    ended = run_to_end("run", "--board", place.board, "--wait", "--config", configured(place, text))

    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert said in ended.stderr


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_configuration_that_others_may_write_is_refused(place: Place, mode: int) -> None:
    path = configured(place, '[recovery]\nmode = "restart"\nrestart_command = ["true"]\n', mode)
    ended = run_to_end("run", "--board", place.board, "--wait", "--config", path)

    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert f"others may write it ({mode:04o}); chmod go-w" in ended.stderr


def test_a_state_folder_that_others_may_write_or_own_is_refused(place: Place) -> None:
    state = place.folder / "state"
    state.mkdir()
    state.chmod(0o777)
    writable = run_to_end("run", "--board", place.board, "--wait", "--state-dir", state)
    assert (writable.returncode, len(writable.stderr.splitlines())) == (2, 1)
    assert "others may replace what lies in" in writable.stderr
    assert list(state.iterdir()) == []
    if os.geteuid() == 0:
        state.chmod(0o700)
        os.chown(state, UID, -1)
        owned = run_to_end("run", "--board", place.board, "--wait", "--state-dir", state)
        assert (owned.returncode, "belongs to" in owned.stderr) == (2, True)
        os.chown(state, 0, -1)


def hang(place: Place) -> None:
    async def once() -> None:
        async with InboundClient(place.board.with_name(f"{place.board.name}.inbound")) as client:
            await client.inject(Fault.HUNG_MODEL_CALL, "s")

    asyncio.run(once())


def aborted(place: Place) -> bool:
    with contextlib.suppress(JournalUnreadableError):
        entries = read_audit(place.folder / "made" / "state" / "gateway.journal.sqlite").entries
        return any(entry.what == "abort_run" and entry.outcome for entry in entries)
    return False


def test_everything_that_an_agent_makes_is_private_whatever_the_umask(place: Place, start: Start) -> None:
    gateway(place, start)
    made = place.folder / "made"
    command = [
        sys.executable, "-m", "livewatch", "run", "--board", place.board, "--socket", place.socket, "--mode", "abort",
        "--agent-socket", made / "run" / "agent", "--state-dir", made / "state", "--record", made / "recordings",
        "--interval", "100ms", "--config", configured(place, SHORT),
    ]  # fmt: skip
    process = subprocess.Popen([*map(str, command)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, umask=0)
    place.agent = made / "run" / "agent"
    try:
        place.until_state("responsive", "degraded")
        assert run_to_end("hold", "--session", "y", "--agent", place.agent).returncode == 0
        hang(place)
        until(lambda: aborted(place), "an abort with its outcome")
        until(lambda: list((made / "recordings").glob("*.gz")), "a recording")
        found = {
            str(path.relative_to(place.folder)): oct(stat.S_IMODE(path.lstat().st_mode))
            for path in (made, *made.rglob("*"), place.board, place.socket, Path(f"{place.socket}.lease"))
        }
    finally:
        process.terminate()
        process.wait()

    folders = {"made", "made/run", "made/state", "made/recordings"}
    assert {name: mode for name, mode in found.items() if mode != ("0o700" if name in folders else "0o600")} == {}
    assert {"made/run/agent", "made/state/gateway.journal.sqlite", "made/state/gateway.holds.json"} <= set(found)
    assert any(name.endswith(".gz") for name in found)


def test_an_action_that_was_refused_is_told_in_the_log_once(place: Place, start: Start, stranger: Stranger) -> None:
    place.folder.chmod(0o711)
    gateway(place, start)
    log = place.folder / "log"
    config = configured(place, f'[agent]\nreaders = ["{UID}"]\n[telemetry]\nlog_format = "json"\n')
    paths = ["--board", place.board, "--agent-socket", place.agent, "--state-dir", place.folder, "--config", config]
    with log.open("wb") as out:
        command = [sys.executable, "-m", "livewatch", "run", *map(str, paths)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=out)
    try:
        place.until_state("responsive", "degraded")
        for _ in range(3):
            stranger.ask(place.agent, HOLD)
    finally:
        process.terminate()
        process.wait()

    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    refusals = [line["detail"] for line in lines if line.get("part") == "local_api"]
    assert len(refusals) == int(stranger.real)
    assert all(f"uid {UID} may not act here" in refusal for refusal in refusals)
