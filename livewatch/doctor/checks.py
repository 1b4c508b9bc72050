"""All checks, in the order in which they are told."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread

from livewatch.configuration.settings import SourceKind
from livewatch.doctor import (
    actor_checks,
    clock_checks,
    config_checks,
    file_checks,
    gateway_checks,
    host_checks,
    journal_checks,
    openclaw_checks,
    telemetry_checks,
    threshold_checks,
)
from livewatch.doctor.case import Case
from livewatch.doctor.finding import Finding, failure

Look = Callable[[Case], Finding]
PATIENCE_S = 10.0
"""No check is waited for longer; those that ask somebody give up earlier by themselves."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at."""

    group: str
    name: str
    look: Look
    sources: frozenset[SourceKind] = frozenset(SourceKind)
    """The ways of watching to which it applies; for the others it is left out, not skipped."""

    def applies(self, case: Case) -> bool:
        """Return whether there is something to look at with this case's source."""
        return case.settings.target.source in self.sources


_BOARD = frozenset({SourceKind.BOARD})
_OPENCLAW = frozenset({SourceKind.OPENCLAW})
_LOCAL = frozenset({SourceKind.BOARD, SourceKind.PROCESS})
CHECKS: Sequence[Check] = (
    Check("configuration", "settings", config_checks.settings),
    Check("configuration", "in force", config_checks.in_force),
    Check("configuration", "variables", config_checks.variables),
    Check("configuration", "file", file_checks.configuration_file),
    Check("configuration", "recovery", config_checks.recovery),
    Check("configuration", "restart command", config_checks.restart_command),
    Check("agent", "running", actor_checks.agent),
    Check("agent", "same gateway", actor_checks.same_gateway),
    Check("agent", "sight", actor_checks.sight),
    Check("agent", "one actor", actor_checks.one_actor),
    Check("agent", "socket", file_checks.agent_socket),
    Check("agent", "socket's folder", file_checks.agent_folder),
    Check("gateway", "board", gateway_checks.board, _BOARD),
    Check("gateway", "board file", file_checks.board_file, _BOARD),
    Check("gateway", "board's folder", file_checks.board_folder, _BOARD),
    Check("gateway", "process", gateway_checks.process, _LOCAL),
    Check("gateway", "/proc", gateway_checks.proc_files, _LOCAL),
    Check("gateway", "heartbeats", gateway_checks.heartbeats, _BOARD),
    Check("gateway", "control socket", file_checks.control_socket, _BOARD),
    Check("gateway", "socket's folder", file_checks.control_folder, _BOARD),
    Check("gateway", "control", gateway_checks.control, _BOARD),
    Check("gateway", "OpenClaw", openclaw_checks.connection, _OPENCLAW),
    Check("gateway", "own repairs", openclaw_checks.own_repairs, _OPENCLAW),
    Check("thresholds", "interval", threshold_checks.interval),
    Check("thresholds", "run timeouts", threshold_checks.run_timeouts, _BOARD),
    Check("thresholds", "progress", threshold_checks.progress, _BOARD),
    Check("thresholds", "heartbeats", threshold_checks.heartbeats, _BOARD),
    Check("thresholds", "shared sessions", threshold_checks.shared_sessions, _BOARD),
    Check("clocks", "boot time", clock_checks.boot_time),
    Check("clocks", "wall clock", clock_checks.wall_clock),
    Check("host", "memory pressure", host_checks.memory_pressure),
    Check("host", "I/O pressure", host_checks.io_pressure),
    Check("host", "swap", host_checks.swap),
    Check("journal", "folder", file_checks.state_folder),
    Check("journal", "integrity", journal_checks.integrity),
    Check("journal", "size", journal_checks.size),
    Check("journal", "disk", journal_checks.disk),
    Check("journal", "writing", journal_checks.writing),
    Check("journal", "set aside", journal_checks.set_aside),
    Check("telemetry", "OTLP metrics", telemetry_checks.otlp_metrics),
    Check("telemetry", "OTLP traces", telemetry_checks.otlp_traces),
    Check("telemetry", "OTLP logs", telemetry_checks.otlp_logs),
    Check("telemetry", "Prometheus", telemetry_checks.prometheus),
    Check("telemetry", "exposure", telemetry_checks.exposure),
)


def examine(
    case: Case, checks: Sequence[Check] = CHECKS, *, patience_s: float = PATIENCE_S
) -> Iterator[tuple[Check, Finding]]:
    """Yield each check that applies with what it found, in order; all look at the same time, none can end another."""
    begun = [(check, _begin(check, case)) for check in checks if check.applies(case)]
    for check, found in begun:
        try:
            yield check, found.result(patience_s)
        except TimeoutError:
            yield check, failure(f"no answer within {patience_s:g} s", "a disk, name server or program does not answer")


def _begin(check: Check, case: Case) -> Future[Finding]:
    future: Future[Finding] = Future()

    def look() -> None:
        try:
            future.set_result(check.look(case))
        except Exception as error:  # noqa: BLE001 -- a check that fails is told as such and ends no other
            future.set_result(failure(f"this check failed itself: {error!r}", "please report it"))

    Thread(target=look, name=f"livewatch-doctor-{check.name}", daemon=True).start()
    return future
