"""Kills the agent with SIGKILL at random points, again and again, while a real gateway's sessions keep dying.

Run ``python -m tests.live.kill_storm --kills 500``. It proves: no action was executed twice at the gateway, no healthy
session was touched, no intent is left unexplained in the journal, every action is in the audit and in the events
exactly once with its outcome, and every fault was repaired in the end.
"""

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import click

from livewatch.configuration.load import load_settings
from livewatch.recovery.journal.audit import read_audit
from livewatch.recovery.journal.feed import read_feed
from livewatch.recovery.journal.reader import read_journal
from livewatch.recovery.journal.records import StoredIntent
from livewatch.service import run_service

LONGEST_LIFE_S = 0.6
ENDS_WITHIN_S = 120.0
CONFIG = """
[target]
board = "{folder}/board"
socket = "{folder}/control"
[agent]
interval = "20ms"
agent_socket = "{folder}/agent"
state_dir = "{folder}"
[thresholds]
warn_after = "250ms"
abort_after = "500ms"
zombie_grace = "250ms"
settle = "50ms"
[recovery]
mode = "abort"
healthy_for = "0s"
startup_grace = "0s"
resume_grace = "0s"
verify = "500ms"
force_clear_after = "250ms"
backoff_initial = "250ms"
budget_actions = 1000000
blast_sessions_min = 1000
"""


@dataclass(slots=True)
class Report:
    """What was seen; ``problems`` is empty when everything held."""

    kills: int = 0
    kills_after_an_action: int = 0
    faults: int = 0
    repaired: int = 0
    executed: Counter[str] = field(default_factory=Counter[str])
    intents: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list[str])

    def facts(self) -> dict[str, object]:
        """Return the figures as a JSON-ready document."""
        return {
            "ok": not self.problems,
            "kills": self.kills,
            "kills_within_a_moment_of_an_action": self.kills_after_an_action,
            "faults": self.faults,
            "repaired": self.repaired,
            "executed": dict(self.executed),
            "intents": self.intents,
            "seconds": round(self.seconds, 1),
            "problems": self.problems,
        }


class Gateway:
    """The storm gateway as a process, and what it said so far."""

    def __init__(self, folder: Path, seed: int) -> None:
        command = [sys.executable, "-m", "tests.live.storm_gateway", folder / "board", folder / "control", str(seed)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.said: list[dict[str, str]] = []
        self._rest = b""
        while not any("ready" in line for line in self.said):
            self.listen(ENDS_WITHIN_S)

    def listen(self, seconds: float) -> list[dict[str, str]]:
        """Return what is said within so many seconds; returns at the first words."""
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return []
        data = os.read(self.process.stdout.fileno(), 65536)
        if not data:
            raise RuntimeError("the gateway ended too early")
        *lines, self._rest = (self._rest + data).split(b"\n")
        heard = [json.loads(line) for line in lines]
        self.said += heard
        return heard

    def let_go(self) -> None:
        """Close this process's ends of its pipes; a forked child must not keep them open."""
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            os.close(pipe.fileno())

    def wind_down(self) -> None:
        """Let it make no more faults, and hear it out until the last is repaired."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        until_s = time.monotonic() + ENDS_WITHIN_S
        while not any("ended" in line for line in self.said):
            if time.monotonic() > until_s:
                raise RuntimeError("faults stay unrepaired")
            self.listen(1.0)
        self.process.wait(10)


def storm(kills: int, seed: int) -> Report:
    """Run the whole storm and judge it."""
    report, began_s = Report(), time.monotonic()
    random = Random(seed)
    with tempfile.TemporaryDirectory(prefix="lw") as name:
        folder = Path(name)
        config = folder / "livewatch.toml"
        config.write_text(CONFIG.format(folder=folder), encoding="utf-8")
        gateway = Gateway(folder, seed)
        try:
            for _ in range(kills):
                _one_life(gateway, config, random, report)
            last = _start_agent(config, gateway)
            try:
                gateway.wind_down()
                _await_explanations(folder / "gateway.journal.sqlite")
            except RuntimeError as error:
                report.problems.append(str(error))
            os.kill(last, signal.SIGTERM)
            os.waitpid(last, 0)
        finally:
            gateway.process.kill()
            gateway.process.wait()
        _judge(gateway.said, folder / "gateway.journal.sqlite", report)
    report.seconds = time.monotonic() - began_s
    return report


def _await_explanations(journal: Path) -> None:
    """Let the last agent see what came of its last action; who is ended before leaves that to its successor."""
    until_s, never = time.monotonic() + ENDS_WITHIN_S, threading.Event()
    while any(intent.how is None for intent in read_journal(journal).intents):
        if time.monotonic() > until_s:
            raise RuntimeError("an intent stays unexplained")
        never.wait(0.1)


def _one_life(gateway: Gateway, config: Path, random: Random, report: Report) -> None:
    agent = _start_agent(config, gateway)
    until_s = time.monotonic() + random.uniform(0.05, LONGEST_LIFE_S)
    hair_trigger = random.random() < 0.5
    while (left_s := until_s - time.monotonic()) > 0:
        if hair_trigger and any("executed" in line for line in gateway.listen(left_s)):
            report.kills_after_an_action += 1
            break
        if not hair_trigger:
            gateway.listen(left_s)
    os.kill(agent, signal.SIGKILL)
    os.waitpid(agent, 0)
    report.kills += 1


def _start_agent(config: Path, gateway: Gateway) -> int:
    """Fork an agent: this process has one thread and everything imported, so a life begins within milliseconds."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        gateway.let_go()
        log = os.open(config.with_name("agent.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = int(asyncio.run(run_service(load_settings(config))))
    finally:
        os._exit(code)


def _judge(said: list[dict[str, str]], journal: Path, report: Report) -> None:
    executed = Counter((line["executed"], line["session"], line["run"]) for line in said if "executed" in line)
    faults = {line["session"] for line in said if "fault" in line}
    repaired = {line["repaired"] for line in said if "repaired" in line}
    report.faults, report.repaired = len(faults), len(repaired)
    report.executed = Counter(action for action, _, _ in executed.elements())
    twice = [key for key, count in executed.items() if count > 1]
    report.problems += [f"{action} of {session} was executed {executed[action, session, run]} times"
                        for action, session, run in twice]  # fmt: skip
    report.problems += [f"{session} was healthy and got {action}" for action, session, _ in executed
                        if session not in faults]  # fmt: skip
    report.problems += [f"{session} was never repaired" for session in sorted(faults - repaired)]
    intents = read_journal(journal).intents
    report.intents = len(intents)
    report.problems += [f"the intent {i.action.kind.value} of {i.action.session} is unexplained"
                        for i in intents if i.how is None]  # fmt: skip
    report.problems += _judge_audit(journal, intents)
    known = {(i.action.kind.value, i.action.session) for i in intents}
    report.problems += [f"{action} of {session} was executed without an intent" for action, session, _ in executed
                        if (action, session) not in known]  # fmt: skip


def _judge_audit(journal: Path, intents: Sequence[StoredIntent]) -> list[str]:
    """Compare the audit, and the sequence that followers read, with the intents: each once, with its outcome."""
    wanted = Counter((i.action.kind.value, i.action.session, i.action.run_id, _ended(i)) for i in intents)
    audited = Counter((e.what, e.session, e.run, e.outcome) for e in read_audit(journal).entries
                      if e.what != "start")  # fmt: skip
    problems = [f"{key} is {audited[key]} times in the audit, not {wanted[key]}" for key in wanted | audited
                if audited[key] != wanted[key]]  # fmt: skip
    told, cursor = Counter[str](), ""
    while page := read_feed(journal, after=cursor).items:
        told.update(item.kind for item in page)
        cursor = page[-1].cursor
    settled = sum(i.how is not None for i in intents)
    if (told["intent"], told["outcome"]) != (len(intents), settled):
        problems.append(f"the sequence tells {told['intent']} actions and {told['outcome']} outcomes")
    return problems


def _ended(intent: StoredIntent) -> str | None:
    return intent.outcome.value if intent.outcome is not None else intent.how.value if intent.how is not None else None


@click.command()
@click.option("--kills", type=click.IntRange(min=1), default=500, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
def main(kills: int, seed: int) -> None:
    """Run the storm, print its figures, and end with 1 if anything did not hold."""
    report = storm(kills, seed)
    click.echo(json.dumps(report.facts(), indent=2))
    sys.exit(1 if report.problems else 0)


if __name__ == "__main__":
    main()
