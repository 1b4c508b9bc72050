import os
import socket
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from itertools import pairwise

import pytest

from livewatch.supervision.sd_notify import NotifySocket
from livewatch.supervision.supervisor import IntervalError, Supervisor
from livewatch_classifiers.report import Transition
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import Attention, Reason
from tests.supervision.ticks import blind, seen

NAME = f"livewatch-supervisor-{os.getpid()}"


class Desk:
    """A stand-in for systemd, and the time that both sides live in."""

    def __init__(self, end: socket.socket, *, interval_s: float = 1.0, watchdog_s: float | None = None) -> None:
        self.now_s = 0.0
        self.end = end
        self.supervisor = Supervisor(
            NotifySocket(f"@{NAME}"), interval_s=interval_s, watchdog_s=watchdog_s, monotonic_s=lambda: self.now_s
        )

    def heard(self) -> list[str]:
        lines: list[str] = []
        while True:
            try:
                lines += self.end.recv(4096).decode().split("\n")
            except BlockingIOError:
                return lines


@contextmanager
def desk(watchdog_s: float | None = None) -> Generator[Desk]:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as end:
        end.bind(f"\0{NAME}")
        end.settimeout(0.0)
        made = Desk(end, watchdog_s=watchdog_s)
        with closing(made.supervisor):
            yield made


def verdict(attention: Attention) -> Verdict:
    return Verdict("s", attention, Reason.ACTIVE, rule="17")


def test_ready_is_said_once_with_the_first_tick_also_when_it_saw_nothing() -> None:
    with desk() as systemd:
        systemd.supervisor.on_tick(blind("no board at run/board"))
        first = systemd.heard()
        systemd.supervisor.on_tick(blind("no board at run/board"))
        assert first == ["READY=1", "STATUS=gw: gone; no board at run/board"]
        assert systemd.heard() == []


def test_the_watchdog_is_fed_by_ticks_well_within_its_time_and_not_by_every_one() -> None:
    with desk(watchdog_s=30.0) as systemd:
        fed_s: list[float] = []
        for second in range(121):
            systemd.now_s = float(second)
            systemd.supervisor.on_tick(blind() if second % 2 else seen())
            fed_s += [systemd.now_s] * systemd.heard().count("WATCHDOG=1")
        gaps = {after - before for before, after in pairwise(fed_s)}
        assert max(gaps) <= 15.0
        assert len(fed_s) < 30


def test_a_short_watchdog_is_fed_by_every_tick() -> None:
    with desk(watchdog_s=2.0) as systemd:
        for second in range(10):
            systemd.now_s = second * 0.99
            systemd.supervisor.on_tick(seen())
            assert "WATCHDOG=1" in systemd.heard()


def test_without_a_watchdog_none_is_fed() -> None:
    with desk() as systemd:
        systemd.supervisor.on_tick(seen())
        assert not [line for line in systemd.heard() if line.startswith("WATCHDOG")]


def test_ticks_too_rare_for_the_watchdog_are_refused_before_they_cost_lives() -> None:
    with pytest.raises(IntervalError, match="every 20 s cannot feed a watchdog of 30 s"):
        Supervisor(NotifySocket(), interval_s=20.0, watchdog_s=30.0)


def test_a_ready_that_was_not_taken_is_said_again() -> None:
    supervisor = Supervisor(NotifySocket(f"@{NAME}"), interval_s=1.0)
    with closing(supervisor):
        supervisor.on_tick(seen())
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as end:
            end.bind(f"\0{NAME}")
            end.settimeout(0.0)
            supervisor.on_tick(seen())
            assert end.recv(4096).startswith(b"READY=1")


def reload_that_fails(systemd: Desk) -> list[str]:
    during: list[str] = []
    with suppress(OSError), systemd.supervisor.reloading():
        during = systemd.heard()
        raise OSError
    return during


def test_a_reload_is_told_with_its_moment_and_ends_also_when_it_fails() -> None:
    with desk() as systemd:
        with systemd.supervisor.reloading():
            early = systemd.heard()
        systemd.supervisor.on_tick(seen())
        systemd.heard()
        during = reload_that_fails(systemd)
        after = systemd.heard()

    assert early == []
    assert during[0] == "RELOADING=1"
    assert during[1].removeprefix("MONOTONIC_USEC=").isdigit()
    assert after == ["READY=1"]


def test_the_end_is_told() -> None:
    with desk() as systemd:
        systemd.supervisor.stopping()
        assert systemd.heard() == ["STOPPING=1", "STATUS=ending"]


def test_the_status_counts_the_sick_by_their_changes_and_is_not_repeated() -> None:
    stuck, well = verdict(Attention.STUCK), verdict(Attention.NONE)
    said: list[str] = []
    with desk() as systemd:
        for changes in (
            [Transition("s", None, stuck)],
            [],
            [Transition("s", stuck, well)],
            [Transition("s", well, None)],
        ):
            systemd.now_s += 10.0
            systemd.supervisor.on_tick(seen(*changes))
            said += [line.split(", ")[1] for line in systemd.heard() if line.startswith("STATUS")]
    assert said == ["1 of them stalled or stuck", "0 of them stalled or stuck"]


def test_a_status_that_flickers_is_told_at_most_every_few_seconds() -> None:
    with desk() as systemd:
        heard: list[str] = []
        for tick in range(100):
            systemd.now_s = tick / 10
            systemd.supervisor.on_tick(blind(f"problem {tick}"))
            heard += systemd.heard()
    assert len([line for line in heard if line.startswith("STATUS")]) == 2


def test_the_environment_names_the_supervisor_and_children_do_not_inherit_it() -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as end:
        end.bind(f"\0{NAME}")
        end.settimeout(0.0)
        environ = {"NOTIFY_SOCKET": f"@{NAME}", "WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid()), "A": "b"}
        with closing(Supervisor.of_environment(1.0, environ)) as supervisor:
            supervisor.on_tick(seen())
        assert end.recv(4096).split(b"\n")[:2] == [b"READY=1", b"WATCHDOG=1"]
    assert environ == {"A": "b"}
