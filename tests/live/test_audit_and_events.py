"""A real gateway, a real agent and its successor: who did what is told once, and a follower sees everything once."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from livewatch.demo.fault import Fault
from livewatch.demo.inbound_client import InboundClient
from livewatch.recovery.journal.audit import AuditEntry, read_audit
from livewatch.recovery.journal.reader import JournalUnreadableError
from tests.live.test_gateway_process import Place, Start, agent, fixture_place, fixture_start, gateway, run_to_end
from tests.waiting import until

__all__ = ["fixture_place", "fixture_start"]
_SETTINGS = """
[thresholds]
warn_after = "500ms"
abort_after = "1s"
overrides = [{ session = "by-hand", abort_after = "1h" }]
[recovery]
startup_grace = "0s"
resume_grace = "0s"
healthy_for = "0s"
"""


class Follower:
    """`livewatch events -f --json` in a process of its own, writing to a file."""

    def __init__(self, place: Place) -> None:
        self._out = place.folder / "events"
        with self._out.open("wb") as out:
            command = [sys.executable, "-m", "livewatch", "events", "-f", "--json", "--agent", str(place.agent)]
            # Without an agent it would begin with the journal of whoever runs the tests.
            env = {**os.environ, "XDG_STATE_HOME": str(place.folder)}
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, env=env)

    def events(self) -> list[dict[str, Any]]:
        lines = self._out.read_text("utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def told(self, kind: str, text: str) -> int:
        return sum(e["kind"] == kind and text in e["text"] for e in self.events())


@pytest.fixture(name="follower")
def fixture_follower(place: Place) -> Generator[Follower]:
    follower = Follower(place)
    yield follower
    if follower.process.poll() is None:
        follower.process.kill()
    follower.process.wait()


def journal(place: Place) -> Path:
    return place.folder / "gateway.journal.sqlite"


def entries(place: Place, what: str) -> list[AuditEntry]:
    with contextlib.suppress(JournalUnreadableError):  # it is only just being made
        return [entry for entry in read_audit(journal(place)).entries if entry.what == what]
    return []


def inject(place: Place, fault: Fault, session: str) -> None:
    async def once() -> None:
        async with InboundClient(place.board.with_name(f"{place.board.name}.inbound")) as client:
            await client.inject(fault, session)

    asyncio.run(once())


def ask(place: Place, *arguments: object) -> int:
    return run_to_end(*arguments, "--agent", place.agent).returncode


def test_recover_hold_drain_and_an_automatic_abort_are_in_the_audit_exactly_once(place: Place, start: Start) -> None:
    config = place.folder / "livewatch.toml"
    config.write_text(_SETTINGS, encoding="utf-8")
    gateway(place, start)
    agent(place, start, "--config", config)
    place.until_state("responsive")
    inject(place, Fault.HUNG_MODEL_CALL, "automatic")
    until(lambda: any(e.outcome for e in entries(place, "abort_run")), "an automatic abort with its outcome")
    inject(place, Fault.HUNG_MODEL_CALL, "by-hand")
    until(lambda: ask(place, "recover", "by-hand", "--action", "abort_run", "--yes") == 0, "a repair by hand")
    assert ask(place, "hold", "--session", "visitor*", "--for", "30m") == 0
    refused = ask(place, "recover", "visitor-000", "--action", "abort_run", "--yes")
    assert ask(place, "drain", "--timeout", "60s", "--yes") == 0

    until(lambda: all(e.outcome for e in read_audit(journal(place)).entries), "every outcome")
    automatic = [e for e in entries(place, "abort_run") if e.who == "livewatch"]
    by_hand = [e for e in entries(place, "abort_run") if e.who != "livewatch"]
    assert [(e.session, e.uid, e.outcome) for e in automatic] == [("automatic", None, "recovered")]
    assert [(e.session, e.outcome) for e in by_hand] == [("by-hand", "recovered"), ("visitor-000", "refused")]
    assert refused == 5
    assert all(e.uid is not None and "by hand" in e.why for e in by_hand[:1])
    assert [(e.session, e.outcome) for e in entries(place, "hold")] == [("visitor*", "done")]
    assert [(e.session, e.outcome) for e in entries(place, "drain")] == [("*", "done")]


def test_a_follower_sees_everything_once_over_the_death_of_the_agent(
    place: Place, start: Start, follower: Follower
) -> None:
    gateway(place, start)
    first = agent(place, start)
    place.until_state("responsive")
    ask(place, "hold", "--session", "one")
    until(lambda: follower.told("operator", "hold one"), "the first event")
    first.send_signal(signal.SIGKILL)
    first.wait()
    agent(place, start)
    until(lambda: follower.told("agent_began", "livewatch") == 2, "the successor")
    until(lambda: ask(place, "hold", "--session", "two") == 0, "the successor's socket, which opens after its journal")
    until(lambda: follower.told("operator", "hold two"), "an event of the successor")
    follower.process.send_signal(signal.SIGINT)

    assert follower.process.wait(20) == 130
    cursors = [event["cursor"] for event in follower.events()]
    with contextlib.closing(sqlite3.connect(journal(place))) as connection:
        (token,) = connection.execute("SELECT token FROM origin").fetchone()
        written = [f"{token}:{seq}" for (seq,) in connection.execute("SELECT seq FROM feed ORDER BY seq")]
    assert cursors == written[: len(cursors)]
    assert follower.told("operator", "hold one") == 1


def test_a_reader_that_goes_away_ends_the_follower_well_although_nothing_happens(place: Place, start: Start) -> None:
    gateway(place, start)
    agent(place, start)
    place.until_state("responsive")
    command = [sys.executable, "-m", "livewatch", "events", "-f", "--agent", str(place.agent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "began" in process.stdout.readline()
        process.stdout.close()
        until(lambda: process.poll() is not None, "the follower's end")
        assert (process.returncode, process.stderr.read()) == (0, "")
