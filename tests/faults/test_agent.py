"""What befalls the agent's own process: it does nothing false, loses nothing, and ends in order."""

import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path
from random import Random

from livewatch.recovery.journal.records import Settlement
from tests.faults.ward import Ward, fixture_ward
from tests.waiting import until

__all__ = ["fixture_ward"]
_BUSY = 3
_NICE = 10
_PAUSES = 5


def lowest_free(pid: int) -> int:
    """Return the descriptor that the next file gets: the limit is on its number, not on how many are open."""
    taken = {int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()}
    return min(set(range(len(taken) + 1)) - taken)


def test_an_agent_without_descriptors_lives_on_and_repairs_once_it_has_some(ward: Ward) -> None:
    gateway = ward.gateway()
    gateway.do("work", "healthy")
    agent = ward.agent()
    until(ward.journal.exists, "a journal")
    ward.rounds(5)  # by then it knows what the gateway offers
    soft, hard = resource.prlimit(agent.pid, resource.RLIMIT_NOFILE)
    free = min(lowest_free(agent.pid) for _ in range(300))  # one that is taken for a moment must not be left to it
    resource.prlimit(agent.pid, resource.RLIMIT_NOFILE, (free, hard))
    gateway.do("hang", "k")
    until(lambda: _tried(ward), "an attempt that had no descriptor")
    assert agent.poll() is None
    assert gateway.pulled("k") == 0
    resource.prlimit(agent.pid, resource.RLIMIT_NOFILE, (soft, hard))
    until(lambda: gateway.pulled("k") == 1, "the repair", within_s=60.0)
    ward.rounds(3)

    assert gateway.pulled("healthy") == 0
    ward.ends_well(agent)


def _tried(ward: Ward) -> bool:
    return any(intent.reply is not None and intent.reply.status.value != "done" for intent in ward.intents())


def test_an_agent_that_gets_hardly_any_processor_does_nothing_false(ward: Ward) -> None:
    gateway = ward.gateway()
    gateway.do("work", "healthy")
    agent = ward.agent()
    for thread in Path(f"/proc/{agent.pid}/task").iterdir():
        os.setpriority(os.PRIO_PROCESS, int(thread.name), _NICE)
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(_BUSY)]
    try:
        random, never = Random(7), threading.Event()
        for _ in range(_PAUSES):
            agent.send_signal(signal.SIGSTOP)
            never.wait(random.uniform(0.2, 1.5))  # longer than the limits: what it saw before is old when it wakes up
            agent.send_signal(signal.SIGCONT)
            ward.rounds(3)
        assert ward.status()["last_actions"] == []
        assert gateway.pulled("healthy") == 0
        ward.repaired(gateway, "k")
    finally:
        for process in busy:
            process.kill()
            process.wait()
    ward.ends_well(agent)


def test_sigterm_in_the_middle_of_an_action_leaves_it_in_the_journal_and_nothing_is_done_twice(ward: Ward) -> None:
    gateway = ward.gateway()
    gateway.do("slow", 1.5)
    agent = ward.agent()
    gateway.do("hang", "k")
    until(lambda: gateway.pulled("k"), "a lever that is being pulled")
    ward.ends_well(agent)

    (intent,) = ward.intents()
    assert intent.action.session == "k"
    until(lambda: gateway.heard("done"), "the end of the lever")
    successor = ward.agent()
    until(lambda: all(one.how is not None for one in ward.intents()), "an explanation of it")
    ward.rounds(5)
    assert gateway.pulled("k") == 1
    assert {one.how for one in ward.intents()} <= set(Settlement)
    ward.ends_well(successor)
