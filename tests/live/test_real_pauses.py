"""What scenarios do in ten virtual minutes, in seconds of real time: a stop and a blocked loop cost nobody anything.

What was dead before is repaired once its own time is over, and what is alive is left alone.
"""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.live.test_gateway_process import Place, Start, agent, fixture_place, fixture_start
from tests.waiting import until

__all__ = ["fixture_place", "fixture_start"]

ABORT_S = 3
PAUSE_S = 5
GATEWAY = """
import asyncio, signal, sys, time
from livewatch.probe import Levers, Probe

done = []

class Ours(Levers):
    def abort_run(self, session, run_id, cause):
        done.append(session)
        tasks[session].cancel()

async def turn(session, *, silent):
    while True:
        try:
            async with session.run(f"run-{session.key}") as run:
                with run.model_call("m"):
                    while True:
                        await asyncio.sleep(0.1)
                        if not silent:
                            run.progress()
        except asyncio.CancelledError:
            silent = False
            print("aborted", session.key, flush=True)

async def main():
    async with Probe.open(sys.argv[1], sys.argv[2], levers=Ours()) as probe:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, time.sleep, float(sys.argv[3]))
        for key in ("alive-1", "alive-2", "dead"):
            tasks[key] = asyncio.create_task(turn(probe.session(key), silent=key == "dead"))
        probe.ready()
        print("ready", flush=True)
        await asyncio.gather(*tasks.values())

tasks = {}
asyncio.run(main())
"""


@pytest.fixture(name="gateway")
def _gateway(place: Place) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", GATEWAY, str(place.board), str(place.socket), str(PAUSE_S)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.send_signal(signal.SIGCONT)
        process.kill()


@pytest.fixture(autouse=True)
def _no_graces(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STARTUP_GRACE", "RESUME_GRACE", "HEALTHY_FOR"):
        monkeypatch.setenv(f"LIVEWATCH_{name}", "1ms")


Pause = Callable[["subprocess.Popen[str]", Callable[[], bool]], None]


def stopped(process: "subprocess.Popen[str]", paused: Callable[[], bool]) -> None:
    """Stop the whole process for as long as a block lasts."""
    process.send_signal(signal.SIGSTOP)
    until(paused, "a pause that was seen for long enough")
    process.send_signal(signal.SIGCONT)


def blocked(process: "subprocess.Popen[str]", paused: Callable[[], bool]) -> None:
    """Block the loop only."""
    process.send_signal(signal.SIGUSR1)
    until(paused, "a pause that was seen for long enough")


@pytest.mark.parametrize(("pause", "state"), [(stopped, "frozen"), (blocked, "unresponsive")])
def test_a_pause_longer_than_every_limit_aborts_nobody_but_who_was_dead(
    place: Place, start: Start, gateway: "subprocess.Popen[str]", pause: Pause, state: str
) -> None:
    agent(place, start, "--warn-after", "1s", "--abort-after", f"{ABORT_S}s")
    place.until_state("responsive")
    actions_during: list[object] = []

    def long_enough() -> bool:
        status = place.status()
        vitals = status["vitals"] or {"state": ""}
        if vitals["state"] == state:
            actions_during.extend(status["last_actions"])
        return float(vitals.get("loop_heartbeat_age_s", 0.0)) > ABORT_S * 1.2

    pause(gateway, long_enough)
    until(lambda: place.status().get("last_actions"), "the repair of what was dead before")
    place.until_state("responsive")

    assert actions_during == []
    assert {(done["session"], done["action"]) for done in place.status()["last_actions"]} == {("dead", "abort_run")}
    assert gateway.stdout is not None
    assert gateway.stdout.readline() == "aborted dead\n"
    until(lambda: {row["attention"] for row in place.status()["attention"]} <= {"long_running"}, "nobody sick any more")
