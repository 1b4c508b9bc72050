"""A real OpenClaw gateway under a real `livewatch run`: every fault, and everything that must be left alone.

Run by ``make test-openclaw``. Thresholds are scaled to seconds; the table at the end says what was measured.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from livewatch.local_api.client import AgentUnreachable, ask
from tests.openclaw.gateway import BOOTS_WITHIN_S, OpenClaw
from tests.openclaw.operator import Operator, full
from tests.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]
WARN_S, ABORT_S = 3.0, 6.0
PATIENT_WARN_S, PATIENT_ABORT_S = 6.0, 15.0
"""Where healthy work is beside the sick: on a slow machine the gateway itself may be silent for some seconds."""
MANY = 200


@dataclass
class Watched:
    """A gateway, somebody who uses it, and livewatch beside it."""

    gateway: OpenClaw
    operator: Operator
    socket: Path
    agents: list["subprocess.Popen[bytes]"] = field(default_factory=list["subprocess.Popen[bytes]"])
    table: list[str] = field(default_factory=list[str])

    def watch(self, warn_s: float = WARN_S, abort_s: float = ABORT_S, **environment: str) -> "subprocess.Popen[bytes]":
        """Start livewatch as an operator would: it finds port and token itself."""
        for before in self.agents:  # one that a failed test left
            before.kill()
            before.wait()
        home = {name: self.gateway.environment[name] for name in ("HOME", "OPENCLAW_STATE_DIR")}
        more = {f"LIVEWATCH_{name}": value for name, value in environment.items()}
        command = [
            *(sys.executable, "-m", "livewatch", "run", "--source", "openclaw", "--interval", "250ms"),
            *("--warn-after", f"{warn_s:g}s", "--abort-after", f"{abort_s:g}s", "--agent-socket", str(self.socket)),
            *("--state-dir", str(self.gateway.home / "livewatch"), "--wait"),
        ]
        base = {"LIVEWATCH_MODE": "abort", "LIVEWATCH_STARTUP_GRACE": "1ms", "LIVEWATCH_LOG_FORMAT": "json"}
        with (self.gateway.home / "livewatch.log").open("ab") as log:
            agent = subprocess.Popen(command, env={**os.environ, **home, **base, **more}, stderr=log)
        self.agents.append(agent)
        return agent

    async def stop(self, agent: "subprocess.Popen[bytes]") -> None:
        """End livewatch; it ends well."""
        agent.terminate()
        assert await asyncio.to_thread(agent.wait) == 0

    async def status(self) -> dict[str, Any]:
        """Ask livewatch."""
        try:
            return await asyncio.to_thread(ask, self.socket, "GET", "/v1/status")
        except AgentUnreachable:
            return {"vitals": None, "attention": [], "sessions": {}, "last_actions": []}

    async def labels(self) -> dict[str, str]:
        """Return the label of every session that has one."""
        return {row["session"]: f"{row['attention']}/{row['reason']}" for row in (await self.status())["attention"]}

    async def actions(self) -> list[tuple[str, str, str]]:
        """Return what was done: session, action, outcome."""
        done = (await self.status()).get("last_actions", [])
        return [(a["session"], a["action"], a["outcome"]) for a in done]

    async def responsive(self) -> bool:
        """Return whether livewatch watches, and finds the gateway well."""
        vitals = (await self.status())["vitals"]
        return bool(vitals and vitals["state"] == "responsive")

    async def until(self, wanted: Any, what: str, within_s: float = 60.0) -> Any:
        """Return the first true answer of an asynchronous question."""
        ends_s = time.monotonic() + within_s
        while not (found := await wanted()):
            assert time.monotonic() < ends_s, f"{what} did not come true: {await self.status()}"
            await asyncio.sleep(0.1)
        return found


@pytest_asyncio.fixture(name="watched", scope="module", loop_scope="module")
async def _watched() -> AsyncGenerator[Watched]:
    with tempfile.TemporaryDirectory(prefix="lwoc") as folder:
        gateway = OpenClaw(Path(folder))
        watched = Watched(gateway, Operator(gateway.url), Path(folder) / "agent")
        try:
            gateway.start()
            await asyncio.to_thread(until, gateway.ready, "the gateway's health page", BOOTS_WITHIN_S)
            await watched.operator.connect()
            yield watched
            sys.stdout.write("\n".join(["", *watched.table, ""]))
        finally:
            await watched.operator.close()
            for agent in watched.agents:
                agent.kill()
                agent.wait()
            gateway.close()


async def test_three_lines_and_the_sessions_are_seen(watched: Watched) -> None:
    began_s = time.monotonic()
    agent = watched.watch(MODE="observe")
    await watched.operator.say("first", "wish=trickle,0.5,12")

    async def seen() -> bool:
        return (await watched.status())["sessions"].get("total", 0) >= 1

    await watched.until(seen, "the session", 30)
    watched.table.append(f"attached and a session seen after {time.monotonic() - began_s:.1f} s")
    await watched.operator.until(lambda: watched.operator.answers("first"), "the answer")
    await watched.stop(agent)


async def test_each_fault_is_repaired_and_whoever_works_is_left_alone(watched: Watched) -> None:
    agent, say = watched.watch(PATIENT_WARN_S, PATIENT_ABORT_S), watched.operator.say
    operator = watched.operator

    await watched.until(watched.responsive, "livewatch")
    hold = ["hold", "--session", full("alone*"), "--for", "10m", "--agent", str(watched.socket)]
    await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "livewatch", *hold], check=True, stdout=subprocess.DEVNULL
    )
    for session, wish in (
        ("alone", "wish=hang"),
        ("hung", "wish=hang"),
        ("half", "wish=half"),
        ("trickle", f"wish=trickle,{PATIENT_WARN_S / 2:g},14"),
        ("errors", "wish=error,500"),
        ("tool", f"wish=tool,60,sleep_{PATIENT_ABORT_S + 10:.0f}"),
        ("agent:asker:main", "wish=tool,60,rm_x"),
        ("failing", "wish=failing"),
    ):
        await say(session, wish)
    await asyncio.sleep(1.5)
    await say("alone", "wish=answer is anybody there?")
    await say("hung", "wish=answer is anybody there?")
    seen: dict[str, dict[str, float]] = {}
    acted_s: dict[str, float] = {}

    async def done() -> bool:
        for session, label in (await watched.labels()).items():
            seen.setdefault(session, {}).setdefault(label, time.monotonic())
        for session, _, _ in await watched.actions():
            acted_s.setdefault(session, time.monotonic())
        return bool(
            operator.answers("hung")
            and operator.answers("trickle")
            and operator.answers("tool")
            and acted_s.get(full("half"))
        )

    await watched.until(done, "every repair and every answer", 180)
    answered_s = operator.answers("hung")[0]
    own_s = _started(operator, full("hung"))

    assert {(s, a, o) for s, a, o in await watched.actions()} == {
        (full("hung"), "abort_run", "recovered"),
        (full("half"), "abort_run", "recovered"),
    }
    kinds = [label.split("/")[0] for label in seen[full("hung")]]
    assert kinds[0] == "long_running"
    assert "stalled" in kinds
    assert "stalled/repeated_model_requests_without_progress" in seen[full("failing")]
    assert {label.split("/")[0] for label in seen.get(full("trickle"), [])} <= {"long_running"}
    assert {label.split("/")[0] for label in seen.get(full("tool"), [])} <= {"long_running"}
    assert not [label for label in seen.get(full("errors"), []) if label.startswith("stuck")]
    assert "long_running/awaiting_input" in seen["agent:asker:main"]
    assert {label.split("/")[0] for label in seen["agent:asker:main"]} == {"long_running"}
    assert not operator.answers("alone")
    limits = f"warn {PATIENT_WARN_S:g} s, abort {PATIENT_ABORT_S:g} s"
    watched.table += [
        f"seconds after the last sign of life, one run ({limits}, tick 0.25 s)",
        f"  {'fault':<42} {'labelled':>9} {'stalled':>9} {'repaired':>9} {'answered':>9}",
    ]
    for name, session in (("hung model call, a message behind it", "hung"), ("half an answer, then silence", "half")):
        key, quiet_s = full(session), _started(operator, full(session))
        firsts = [
            min(at_s for label, at_s in seen[key].items() if label.startswith(word))
            for word in ("long_running", "stalled")
        ]
        times = [f"{at_s - quiet_s:.1f}" for at_s in (*firsts, acted_s[key], *operator.answers(session)[:1])]
        watched.table.append(f"  {name:<42} " + " ".join(f"{time_s:>9}" for time_s in times))
    alone_s = time.monotonic() - _started(operator, full("alone"))
    nothing = f"nothing within {alone_s:.0f}"
    watched.table.append(f"  {'the first, OpenClaw alone (held by a person)':<42} {nothing:>37}")
    assert answered_s - own_s < PATIENT_ABORT_S + 20.0  # generous: the machine is shared; the table says what it was
    await watched.stop(agent)


async def test_the_doctor_finds_nothing_wrong_and_says_who_acts_first(watched: Watched) -> None:
    home = {name: watched.gateway.environment[name] for name in ("HOME", "OPENCLAW_STATE_DIR")}
    command = [sys.executable, "-m", "livewatch", "doctor", "--source", "openclaw", "--json"]
    environment = {**os.environ, **home, "LIVEWATCH_MODE": "abort"}
    done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True)
    checks = {check["check"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["OpenClaw"]["health"] == "ok", checks["OpenClaw"]
    assert "livewatch acts before, at 6m" in checks["OpenClaw's own repairs"]["text"]


async def test_what_repeats_is_aborted_only_when_asked(watched: Watched) -> None:
    agent, key = watched.watch(ABORT_REPEATING="true"), full("again")
    await watched.until(watched.responsive, "livewatch")
    await watched.operator.say("again", "wish=failing")

    async def aborted() -> bool:
        return (key, "abort_run", "recovered") in await watched.actions()

    await watched.until(aborted, "the abort of what repeats", 60)
    await watched.stop(agent)


async def test_a_heartbeat_behind_a_hung_run_is_counted_and_runs_again(watched: Watched) -> None:
    agent = watched.watch()
    await watched.until(watched.responsive, "livewatch")
    await watched.operator.say("main", "wish=hang")
    await watched.operator.until(lambda: _started(watched.operator, "agent:main:main"), "the run")
    await watched.operator.ask("wake", mode="now", text="are you well?")

    async def counted() -> bool:
        return (await watched.status()).get("counters", {}).get("heartbeats_dropped.run_active", 0) > 0

    async def aborted() -> bool:
        return ("agent:main:main", "abort_run", "recovered") in await watched.actions()

    await watched.until(counted, "a dropped heartbeat")
    await watched.until(aborted, "the repair")
    await watched.stop(agent)


async def test_a_stopped_gateway_costs_nobody_anything(watched: Watched) -> None:
    agent, operator = watched.watch(), watched.operator
    await watched.until(watched.responsive, "livewatch")
    states: set[str] = set()
    await operator.say("through", "wish=trickle,0.5,30")
    await operator.until(lambda: _started(operator, full("through")), "the run")
    watched.gateway.signal(signal.SIGSTOP)
    ends_s = time.monotonic() + 10.0

    async def over() -> bool:
        vitals = (await watched.status())["vitals"]
        states.add(vitals["state"] if vitals else "")
        return time.monotonic() >= ends_s

    await watched.until(over, "ten seconds")
    watched.gateway.signal(signal.SIGCONT)
    await operator.until(lambda: operator.answers("through"), "the answer after the stop", 90)
    assert "frozen" in states
    assert not [action for action in await watched.actions() if action[0] == full("through")]
    await watched.stop(agent)


async def test_many_sessions_at_once(watched: Watched) -> None:
    agent, operator = watched.watch(), watched.operator
    await watched.until(watched.responsive, "livewatch")
    process = psutil.Process(agent.pid)
    for number in range(MANY):
        await operator.say(f"many-{number}", "wish=trickle,1,15")

    async def seen() -> bool:
        return (await watched.status())["sessions"].get("total", 0) >= MANY

    await watched.until(seen, f"{MANY} sessions", 120)
    before, began_s = process.cpu_times(), time.monotonic()
    await operator.until(
        lambda: sum(bool(operator.answers(f"many-{number}")) for number in range(MANY)) == MANY, "all answers", 240
    )
    after, took_s = process.cpu_times(), time.monotonic() - began_s
    cpu = (after.user + after.system - before.user - before.system) / took_s
    events = sum(at_s >= began_s for at_s, _, _ in operator.events) / took_s
    delays = [(await watched.status())["vitals"].get("round_trip_s")]
    watched.table.append(
        f"{MANY} sessions at once: livewatch {cpu:.0%} of a core, {process.memory_info().rss >> 20} MiB,"
        f" {events:.0f} events a second, ping {delays[0] or 0:.3f} s"
    )
    assert not [action for action in await watched.actions() if "many-" in action[0]]
    await watched.stop(agent)


async def test_a_restarted_gateway_is_attached_again_and_nothing_is_invented(watched: Watched) -> None:
    agent = watched.watch()

    async def gone() -> bool:
        vitals = (await watched.status())["vitals"]
        return bool(vitals and vitals["state"] == "gone")

    await watched.until(watched.responsive, "livewatch")
    before = await watched.actions()
    watched.gateway.signal(signal.SIGKILL)
    await watched.until(gone, "the end of the gateway")
    watched.gateway.end()
    watched.gateway.start()
    await watched.until(watched.responsive, "the gateway's return", 120)
    assert await watched.actions() == before
    assert not [label for label in (await watched.labels()).values() if label.startswith("stuck")]
    await watched.stop(agent)


async def test_the_last_rung_asks_the_gateway_itself(watched: Watched) -> None:
    home = {name: watched.gateway.environment[name] for name in ("HOME", "OPENCLAW_STATE_DIR")}
    command = [sys.executable, "-m", "livewatch", "restart-openclaw", "--json"]
    environment = {**os.environ, **home}

    async def taken() -> bool:
        done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True)
        return done.returncode == 0 and bool(json.loads(done.stdout)["status"])

    await watched.until(taken, "that the gateway takes the request")


def _started(operator: Operator, key: str) -> float:
    """Return when the latest model call of a session was begun, 0 if none was."""
    moments = [
        at_s
        for at_s, event, payload in operator.events
        if event == "agent"
        and payload.get("sessionKey") == key
        and payload.get("data", {}).get("phase") == "starting_model"
    ]
    return moments[0] if moments else 0.0
