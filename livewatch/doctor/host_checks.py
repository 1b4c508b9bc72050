"""What the host says about itself: without it, a sick host looks like sick sessions."""

import os
from pathlib import Path

import psutil

from livewatch.doctor.case import Case
from livewatch.doctor.finding import Finding, ok, warning


def memory_pressure(case: Case) -> Finding:
    """Look at memory pressure."""
    return _pressure(case, "memory", case.settings.thresholds.memory_pressure_warn)


def io_pressure(case: Case) -> Finding:
    """Look at I/O pressure."""
    return _pressure(case, "io", case.settings.thresholds.io_pressure_warn)


def swap(case: Case) -> Finding:
    """Look at the use of swap."""
    found = psutil.swap_memory()
    return judge_swap(found.used / found.total if found.total else None, case.settings.thresholds.swap_used_warn)


def judge_swap(used: float | None, limit: float) -> Finding:
    """Judge a share of swap, 0 to 1; ``None`` for none."""
    if used is None:
        return ok("there is no swap; memory shows as pressure and major faults")
    if used > limit:
        return warning(
            f"{used:.0%} of swap is in use (limit {limit:.0%})", "free memory: a swapping host stalls the loop"
        )
    return ok(f"{used:.0%} of swap is in use")


def judge_pressure(resource: str, text: str, limit: float) -> Finding:
    """Judge the text of a pressure file; empty where none can be read."""
    shares = [
        word.removeprefix("avg10=") for line in text.splitlines() if line.startswith("full") for word in line.split()
    ]
    try:
        found = float(next(share for share in shares if share[:1].isdigit())) / 100
    except (StopIteration, ValueError):
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
    """Read the host's own file, and that of the gateway's control group where the host has none."""
    pid = case.board.pid if case.board is not None else None
    groups = _text(Path(f"/proc/{pid or os.getpid()}/cgroup")).splitlines()
    group = next((line[3:].lstrip("/") for line in groups if line.startswith("0::")), "")
    places = (Path("/proc/pressure") / resource, Path("/sys/fs/cgroup") / group / f"{resource}.pressure")
    return judge_pressure(resource, next((text for place in places if (text := _text(place))), ""), limit)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
