"""A gateway whose sessions die all the time: prints every fault and every action that it executed, a JSON line each.

Ends when standard input is closed and every fault that it made is repaired.
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from livewatch.probe import Levers, Probe, Refused
from livewatch.probe.run import Run
from livewatch.probe.session import Session

FAULTS_AT_ONCE = 6
HEALTHY = 4


def say(**facts: object) -> None:
    """Print one line at once: the reader may kill somebody because of it."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


@dataclass(slots=True)
class Patient:
    """One session with one fault."""

    session: Session
    kind: str
    run: Run | None = None
    task: "asyncio.Task[None] | None" = None
    repaired: asyncio.Event = field(default_factory=asyncio.Event)


class StormLevers(Levers):
    """Each lever really repairs what it is meant for, and says what it did."""

    def __init__(self) -> None:
        self.patients: dict[str, Patient] = {}

    def abort_run(self, session: str, run_id: str, cause: str) -> int | None:
        """End the run, unless it is one of those that do not listen."""
        patient = self._executed("abort_run", session, run_id, cause)
        assert patient.run is not None
        patient.run.abort_requested()
        if patient.kind == "hung":
            self._end(patient)
        return None

    def force_clear(self, session: str, run_id: str, handle: str, cause: str) -> int | None:
        """Forget exactly this handle."""
        patient = self._executed("force_clear", session, run_id, cause)
        patient.session.forget_run(run_id, handle)
        self._end(patient)
        return 1

    def release_lane(self, session: str, cause: str) -> int | None:
        """Clear what nobody owns and take the waiting message."""
        patient = self._executed("release_lane", session, "", cause)
        patient.session.clear_activity()
        patient.session.queued(0)
        patient.repaired.set()
        return 1

    def _executed(self, action: str, session: str, run_id: str, cause: str) -> Patient:
        say(executed=action, session=session, run=run_id, cause=cause)
        patient = self.patients.get(session)
        if patient is None:
            raise Refused("healthy: nothing is wrong with this session")
        return patient

    @staticmethod
    def _end(patient: Patient) -> None:
        assert patient.task is not None
        patient.task.cancel()
        patient.repaired.set()


class Storm:
    """Makes faults until told to stop, then waits for the repair of the last one."""

    def __init__(self, probe: Probe, levers: StormLevers, seed: int) -> None:
        self._probe = probe
        self._levers = levers
        self._random = Random(seed)
        self._numbers = itertools.count()
        self.stopping = asyncio.Event()

    async def faults(self) -> None:
        """Have one patient after the other."""
        while not self.stopping.is_set():
            kind = self._random.choice(("hung", "deaf", "orphan"))
            key = f"{kind}-{next(self._numbers)}"
            patient = Patient(self._probe.session(key), kind)
            self._levers.patients[key] = patient
            say(fault=kind, session=key)
            await (self._orphan(patient) if kind == "orphan" else self._hang(patient))
            await patient.repaired.wait()
            say(repaired=key)
            del self._levers.patients[key]
            patient.session.close()

    async def healthy(self, number: int) -> None:
        """Work visibly for the whole time."""
        async with self._probe.session(f"healthy-{number}").run(f"h{number}") as run:
            with run.model_call("m"):
                while True:
                    run.progress()
                    await asyncio.sleep(0.01)

    async def _hang(self, patient: Patient) -> None:
        begun = asyncio.Event()

        async def work() -> None:
            async with patient.session.run(f"run-{patient.session.key}") as run:
                patient.run = run
                with run.model_call("m"):
                    begun.set()
                    await asyncio.Event().wait()

        patient.task = asyncio.create_task(work())
        await begun.wait()

    async def _orphan(self, patient: Patient) -> None:
        async with patient.session.run(f"run-{patient.session.key}") as run:
            run.model_call("m").__enter__()  # never ended: its owner dies first
        patient.session.queued(1, time.monotonic_ns())


async def serve(board: Path, socket: Path, seed: int) -> None:
    """Run the storm until standard input is closed."""
    levers = StormLevers()
    async with Probe.open(board, socket, levers=levers) as probe:
        storm = Storm(probe, levers, seed)
        probe.ready()
        background: list[Coroutine[Any, Any, None]] = [storm.healthy(number) for number in range(HEALTHY)]
        tasks = [asyncio.create_task(work) for work in background]
        faults = [asyncio.create_task(storm.faults()) for _ in range(FAULTS_AT_ONCE)]
        say(ready=True)
        await asyncio.to_thread(sys.stdin.read)
        storm.stopping.set()
        await asyncio.gather(*faults)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    say(ended=True)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
