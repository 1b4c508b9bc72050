"""The limits against what this gateway itself does, as far as its board shows it."""

from livewatch.doctor.case import Case
from livewatch.doctor.finding import Finding, failure, ok, skipped, warning
from livewatch.durations import format_duration
from livewatch.probe.layout import LANES

_NAMED = 3
_NO_BOARD = "the board cannot be read"


def run_timeouts(case: Case) -> Finding:
    """Compare the runs' own timeouts with ``warn_after``: a run that ends before is never told of as silent."""
    if case.board is None:
        return skipped(_NO_BOARD)
    declared = {
        session.key: session.run.timeout_s
        for session in case.board.sessions.values()
        if session.run is not None and session.run.timeout_s is not None
    }
    if not declared:
        return skipped("no run declares a timeout now")
    warn_s = case.warn_after_s
    short = sorted((timeout_s, key) for key, timeout_s in declared.items() if timeout_s < warn_s)
    if short:
        names = ", ".join(f"{key} {format_duration(timeout_s)}" for timeout_s, key in short[:_NAMED])
        return warning(
            f"{len(short)} of {len(declared)} runs end by their own timeout before warn_after"
            f" ({format_duration(warn_s)}): {names}",
            f"set warn_after below {format_duration(short[0][0])}, or an override for these sessions",
        )
    shortest = format_duration(min(declared.values()))
    return ok(f"the shortest of {len(declared)} run timeouts is {shortest}, warn_after {format_duration(warn_s)}")


def progress(case: Case) -> Finding:
    """Look for runs that never report progress: livewatch cannot tell them from dead ones and leaves them alone."""
    if case.board is None:
        return skipped(_NO_BOARD)
    now_s, running = case.clock.monotonic_s(), [s for s in case.board.sessions.values() if s.run is not None]
    unheard = sorted(
        session.key
        for session in running
        if not session.progress_known
        and session.run is not None
        and now_s - (session.run.started_s or now_s) > case.warn_after_s
    )
    if unheard:
        names = ", ".join(unheard[:_NAMED])
        return warning(
            f"{len(unheard)} of {len(running)} runs never reported progress: {names}; a hang of theirs is told to a"
            " person and never aborted",
            "call run.progress() where something new comes, or wrap calls in run.model_call() and run.tool_call()",
        )
    return ok(f"{len(running)} runs now, none of them older than warn_after without ever having reported progress")


def interval(case: Case) -> Finding:
    """Compare the time between two looks with the limits."""
    every_s = case.settings.agent.interval_s
    if case.agent is not None:
        every_s = float(case.agent.about["interval_s"])
    if every_s >= case.warn_after_s:
        return failure(
            f"a look every {format_duration(every_s)} cannot see silence of {format_duration(case.warn_after_s)}",
            "set agent.interval well below warn_after; 1s is the default",
        )
    return ok(f"a look every {format_duration(every_s)}, warn_after {format_duration(case.warn_after_s)}")


def heartbeats(case: Case) -> Finding:
    """Look whether heartbeats were dropped because their session had other work."""
    if case.board is None:
        return skipped(_NO_BOARD)
    busy = case.board.header["drops_lane_busy"] + case.board.header["drops_run_active"]
    if busy:
        return warning(
            f"{busy} heartbeats were dropped because their session was busy with other work",
            "give heartbeats a session and lane of their own: one hung run silences them for hours",
        )
    return ok("no heartbeat was dropped for a busy session")


def shared_sessions(case: Case) -> Finding:
    """Look whether runs of different lanes wanted one session file at the same time."""
    if case.board is None:
        return skipped(_NO_BOARD)
    header = case.board.header
    shared = {
        f"{waiter} waited for {holder}": header[f"contended_{waiter}_{holder}"]
        for waiter in LANES
        for holder in LANES
        if waiter != holder and header[f"contended_{waiter}_{holder}"]
    }
    if shared:
        told = ", ".join(f"{words} {count} times" for words, count in list(shared.items())[:_NAMED])
        return warning(f"lanes share sessions: {told}", "give cron, heartbeat and sub-agent work sessions of their own")
    return ok("no lane waited for another lane's session")
