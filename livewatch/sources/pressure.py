"""How much the host itself is the sick one: pressure stall information and swap."""

from pathlib import Path

_HOST = Path("/proc/pressure")
_GROUPS = Path("/sys/fs/cgroup")


def pressure_of(resource: str, pid: int) -> float | None:
    """Return the share of time (0 to 1) that all tasks stalled on ``memory`` or ``io``, over 10 s; ``None`` if unknown.

    Asks the host, and the control group of ``pid`` where the host does not tell.
    """
    found = parse_full_avg10(_read(_HOST / resource))
    if found is not None:
        return found
    group = next((line[3:] for line in _read(Path(f"/proc/{pid}/cgroup")).splitlines() if line.startswith("0::")), "")
    return parse_full_avg10(_read(_GROUPS / group.lstrip("/") / f"{resource}.pressure"))


def parse_full_avg10(text: str) -> float | None:
    """Return ``full avg10`` of a pressure file as a share, or ``None``."""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["full"]:
            for word in words[1:]:
                name, _, value = word.partition("=")
                if name == "avg10":
                    return _number(value)
    return None


def swap_used() -> float | None:
    """Return the share of swap in use, 0 to 1; ``None`` where there is no swap or no /proc."""
    sizes = {line.partition(":")[0]: line.split()[1:2] for line in _read(Path("/proc/meminfo")).splitlines()}
    try:
        total, free = int(sizes["SwapTotal"][0]), int(sizes["SwapFree"][0])
    except (KeyError, IndexError, ValueError):
        return None
    return (total - free) / total if total > 0 else None


def _number(value: str) -> float | None:
    try:
        return min(1.0, max(0.0, float(value) / 100))
    except ValueError:
        return None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
