"""The gateway as its board and its control socket show it."""

import asyncio
from pathlib import Path
from typing import cast

from livewatch.configuration.settings import SourceKind
from livewatch.doctor.case import Case
from livewatch.doctor.finding import Finding, failure, ok, skipped, warning
from livewatch.durations import format_duration
from livewatch.guard.access import AccessError
from livewatch.sources.control import ControlClient
from livewatch.sources.process_stat import ProcessStat
from livewatch.sources.zero_touch.door import listeners
from livewatch_classifiers.vocabulary import ProcessState

_ASK_S = 3.0
_FUTURE_S = 0.5
_OLD_S = 5.0


def board(case: Case) -> Finding:
    """Read the board as the agent would."""
    source = case.settings.target.source
    if source is not SourceKind.BOARD:
        return skipped(f"the gateway is watched from outside (source {source.value}); it has no board")
    if case.board_problem is not None:
        return failure(case.board_problem.problem, case.board_problem.hint)
    if case.board is None:
        return failure("no gateway is named", "name its board with --board or target.board, or use --source process")
    header = case.board.header
    sessions = f"layout {header['version']}, {len(case.board.sessions)} of {header['capacity']} sessions"
    if header["sessions_overflowed"]:
        lost = f"{sessions}; {header['sessions_overflowed']} sessions found no place and are not watched"
        return warning(lost, "open the probe with a larger capacity")
    return ok(sessions)


def process(case: Case) -> Finding:
    """Look whether the process that writes the board lives, and is the same."""
    if case.settings.target.source is SourceKind.PROCESS:
        return _watched_process(case)
    if case.board is None:
        return skipped("the board cannot be read")
    if case.board.process_problem is not None:
        return failure(case.board.process_problem.problem, "start the gateway; the agent attaches again by itself")
    assert case.board.process is not None
    state = case.board.process.state
    if case.board.pid is None:
        return ok("its pid belongs to another namespace: only the board's heartbeats can tell whether it lives")
    pid = case.board.pid
    if state is ProcessState.GONE:
        return failure(f"pid {pid} ended and nobody waited for it (zombie)", "start the gateway again")
    if state is ProcessState.STOPPED:
        return warning(f"pid {pid} is stopped", f"kill -CONT {pid}")
    age_s = case.clock.monotonic_s() - case.board.header["created_ns"] / 1e9
    return ok(
        f"pid {pid} is {state.value}, its start time is the board's; board {format_duration(max(0.0, age_s))} old"
    )


def heartbeats(case: Case) -> Finding:
    """Compare the board's time with ours: they must be one clock, and it must move."""
    if case.board is None or case.board.process is None:
        return skipped("there is no board of a living gateway")
    now_s, header = case.clock.monotonic_s(), case.board.header
    ages = {
        name: now_s - header[f"{field}_ns"] / 1e9
        for name, field in (("loop", "loop_heartbeat"), ("probe thread", "thread_heartbeat"))
        if header[f"{field}_ns"]
    }
    if not ages:
        return warning("the gateway has not written a heartbeat yet", "look again in a moment; does its loop run?")
    told = ", ".join(f"{name} {format_duration(max(0.0, age_s))} ago" for name, age_s in ages.items())
    if min(ages.values()) < -_FUTURE_S:
        return failure(
            f"the board's time lies {format_duration(-min(ages.values()))} in our future: not the same clock",
            "run livewatch in the gateway's time namespace, on the same host",
        )
    if ages.get("loop", 0.0) > _OLD_S:
        why = "its loop is blocked" if ages.get("probe thread", _OLD_S) < _OLD_S else "the process does not run"
        return warning(f"{told}: {why}", "`livewatch status` names the place where a loop is blocked")
    return ok(told)


def control(case: Case) -> Finding:
    """Ask the control socket who is there and what it offers; asks for nothing to be done."""
    path = case.settings.target.socket
    if path is None:
        return skipped("no control socket is configured")
    try:
        client = ControlClient(path, _ASK_S, owner=case.owner)
    except AccessError as error:
        return failure(str(error), "correct target.owner")
    info = asyncio.run(client.info())
    if info is None:
        return failure(f"nobody answers at {path} within {_ASK_S:g} s", "restart the gateway, or correct target.socket")
    pid = case.board.pid if case.board is not None else None
    if pid is not None and info.get("pid", pid) != pid:
        return failure(
            f"{path} answers for pid {info['pid']}, the board is of pid {pid}: livewatch will not act",
            "name board and socket of the same gateway",
        )
    capabilities = info.get("capabilities")
    offered = cast("list[object]", capabilities) if isinstance(capabilities, list) else []
    if not offered:
        return warning(f"{path} answers and offers no action", "give the probe levers; see docs/embedding.md")
    return ok(f"answers; offers {', '.join(sorted(str(word) for word in offered))}")


def proc_files(case: Case) -> Finding:
    """Look whether this user may read what /proc says about the gateway."""
    pid = case.board.pid if case.board is not None else _watched_pid(case)
    if pid is None:
        return skipped("the gateway's process is not known")
    unreadable = [name for name in ("stat", "status", "io", "fd") if not _readable(Path(f"/proc/{pid}/{name}"))]
    if not unreadable:
        return ok(f"/proc/{pid} can be read")
    names = ", ".join(unreadable)
    return warning(
        f"/proc/{pid}: {names} cannot be read: CPU, I/O and children of the gateway stay unknown",
        "run livewatch as the gateway's user, or with CAP_SYS_PTRACE; look at hidepid of /proc",
    )


def _readable(path: Path) -> bool:
    try:
        if path.is_dir():
            next(path.iterdir(), None)
        else:
            with path.open("rb") as file:
                file.read(1)
    except OSError:
        return False
    return True


def _watched_process(case: Case) -> Finding:
    target, pid = case.settings.target, _watched_pid(case)
    if pid is None and target.port is None:
        return failure("no process is named", "give --pid N, or --port N on which it listens")
    found = None if pid is None else ProcessStat.of(pid)
    if found is None or found.state is ProcessState.GONE:
        who = f"process {pid}" if target.port is None else f"process of this host that listens on port {target.port}"
        return failure(f"there is no {who}", "start the gateway, or give its present pid, or its --port")
    by = "" if target.pid is not None else f", listens on port {target.port}"
    return ok(f"pid {pid} is {found.state.value}{by}")


def _watched_pid(case: Case) -> int | None:
    target = case.settings.target
    if target.pid is not None or target.port is None:
        return target.pid
    return next((one.pid for one in listeners() if one.port == target.port and one.pid is not None), None)
