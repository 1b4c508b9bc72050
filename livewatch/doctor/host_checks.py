"""What the host says about itself: without it, a sick host looks like sick sessions."""

import os

from livewatch.doctor.case import Case
from livewatch.doctor.finding import Finding, ok, warning
from livewatch.sources.pressure import pressure_of, swap_used


def memory_pressure(case: Case) -> Finding:
    """Look at memory pressure."""
    return _pressure(case, "memory", case.settings.thresholds.memory_pressure_warn)


def io_pressure(case: Case) -> Finding:
    """Look at I/O pressure."""
    return _pressure(case, "io", case.settings.thresholds.io_pressure_warn)


def swap(case: Case) -> Finding:
    """Look at the use of swap."""
    return judge_swap(swap_used(), case.settings.thresholds.swap_used_warn)


def judge_swap(used: float | None, limit: float) -> Finding:
    """Judge a share of swap, 0 to 1; ``None`` for none."""
    if used is None:
        return ok("there is no swap; memory shows as pressure and major faults")
    if used > limit:
        return warning(
            f"{used:.0%} of swap is in use (limit {limit:.0%})", "free memory: a swapping host stalls the loop"
        )
    return ok(f"{used:.0%} of swap is in use")


def judge_pressure(resource: str, found: float | None, limit: float) -> Finding:
    """Judge a share of stalled time, 0 to 1; ``None`` where the kernel does not tell."""
    if found is None:
        return warning(
            f"{resource} pressure cannot be read: neither /proc/pressure nor the control group has it",
            "boot with psi=1 (kernel 4.20 or later); until then only swap and major faults excuse a slow host",
        )
    if found > limit:
        return warning(
            f"{found:.0%} of the time all tasks wait for {resource} (limit {limit:.0%})", "unburden the host"
        )
    return ok(f"can be read: {found:.0%} of the last 10 s")


def _pressure(case: Case, resource: str, limit: float) -> Finding:
    pid = case.board.pid if case.board is not None else None
    return judge_pressure(resource, pressure_of(resource, pid or os.getpid()), limit)
