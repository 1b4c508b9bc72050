"""A drain without end, a held interpreter, a slow start: what is said of the gateway, and when it is restarted."""

import signal
import subprocess
import sys

import pytest

from tests.faults.ward import ROOT
from tests.public_cases.conftest import Case
from tests.waiting import until

ROUNDS = 30
"""1.5 s: several times what any limit here allows."""


def vitals_reasons(case: Case) -> list[str]:
    return list((case.status()["vitals"] or {}).get("reasons", ()))


def status_exit_code(case: Case) -> int:
    command = [sys.executable, "-m", "livewatch", "status", "--agent", str(case.folder / "agent")]
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode


def test_a_drain_past_its_bound_is_reported_and_may_be_ended_by_a_restart(case: Case) -> None:
    case.configure(mode="restart", drain="400ms")
    gateway = case.gateway()
    case.agent()
    gateway.do("drain", "-")
    until(lambda: case.restarted, "a restart of a gateway that neither serves nor ends")

    assert case.state_of_the_gateway() == "draining"
    assert vitals_reasons(case) == ["drain"]
    assert status_exit_code(case) == 1


def test_a_drain_within_its_bound_is_no_fault_however_short_the_other_limits_are(case: Case) -> None:
    case.configure(mode="restart", drain="1h")
    gateway = case.gateway()
    case.agent()
    gateway.do("drain", "-")
    case.until_state("draining")
    case.rounds(ROUNDS)

    assert case.state_of_the_gateway() == "draining"
    assert vitals_reasons(case) == []
    assert status_exit_code(case) == 0
    assert not case.restarted


def test_a_process_in_which_nothing_turns_and_that_nobody_stopped_hangs_and_may_be_restarted(case: Case) -> None:
    case.configure(mode="restart")
    gateway = case.gateway()
    case.agent()
    case.until_state("responsive")
    gateway.do("interpreter", 600)
    until(lambda: case.restarted, "a restart of a gateway whose interpreter is held")

    vitals = case.status()["vitals"]
    assert (vitals["state"], vitals["cause"]) == ("unresponsive", "gil")


def test_a_process_that_somebody_stopped_is_frozen_and_never_restarted(case: Case) -> None:
    case.configure(mode="restart")
    gateway = case.gateway()
    case.agent()
    case.until_state("responsive")
    gateway.process.send_signal(signal.SIGSTOP)
    case.until_state("frozen")
    case.rounds(3 * ROUNDS)  # more than twice `hang_after`

    assert case.status()["vitals"]["cause"] == "stopped"
    assert not case.restarted


def test_a_loop_that_is_blocked_before_the_gateway_is_ready_is_a_start_and_no_fault(case: Case) -> None:
    case.configure(mode="restart")
    gateway = case.gateway(ready=False)
    gateway.do("block", case.folder / "go")
    case.agent()
    for _ in range(ROUNDS):
        case.rounds(1)
        assert case.state_of_the_gateway() == "starting"
    (case.folder / "go").touch()
    gateway.do("ready", "-")
    case.until_state("responsive")

    assert not case.restarted
    assert '"level": "error"' not in case.said()


def test_a_start_past_its_deadline_is_reported(case: Case) -> None:
    case.configure(startup_deadline="500ms")
    gateway = case.gateway(ready=False)
    gateway.do("block", case.folder / "go")
    case.agent()
    until(lambda: vitals_reasons(case) == ["startup"], "a start that takes too long")

    assert case.state_of_the_gateway() == "starting"


@pytest.mark.parametrize("mode", ["abort", "restart"])
def test_the_same_block_after_the_gateway_is_ready_is_its_own_code(case: Case, mode: str) -> None:
    case.configure(mode=mode)
    gateway = case.gateway()
    case.agent()
    case.until_state("responsive")
    gateway.do("block", case.folder / "go")
    case.until_state("unresponsive")
    if mode == "restart":
        until(lambda: case.restarted, "a restart")
    else:
        case.rounds(ROUNDS)

    assert case.status()["vitals"]["cause"] == "own_code"
    assert case.restarted is (mode == "restart")
