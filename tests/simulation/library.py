"""Which public report is told by which scenario; writes ``docs/incidents.md``.

Run ``python -m tests.simulation.library`` after adding a scenario.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "tests" / "scenarios"
PAGE = ROOT / "docs" / "incidents.md"

_SCHEDULE = (
    "a schedule that fires no more leaves no trace in sessions, lanes or vitals; needs due times from the source"
)
_TRANSPORT = "a transport's own inbound flow (completed polls) is not part of a snapshot; its sessions are healthy"
CANNOT_BE_SAID = {
    "OC-9084": _SCHEDULE,
    "OC-63232": _SCHEDULE,
    "OC-87438": _SCHEDULE,
    "OC-75224": "the process never becomes ready and no session exists; the world has no start that never ends",
    "OC-78422": _TRANSPORT,
    "OC-125813": _TRANSPORT,
    "hermes-agent-32680": _TRANSPORT,
    "OC-121203": "a leak is a forecast from memory growth over hours; nothing is sick yet",
    "OC-143581": "every inbound message fails before it reaches a session; only the transport's spool knows",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One scenario file."""

    path: Path
    title: str
    incidents: tuple[str, ...]
    kinds: tuple[str, ...]


def told() -> list[Told]:
    """Return every scenario of the library."""
    return [_read(path) for path in sorted(LIBRARY.rglob("*.toml"))]


def page() -> str:
    """Return the text of ``docs/incidents.md``."""
    files = told()
    by_report: dict[str, list[Told]] = {}
    for file in files:
        for report in file.incidents:
            by_report.setdefault(report, []).append(file)
    kinds = Counter(kind for file in files for kind in file.kinds)
    return "\n".join(
        [
            "# Reports and scenarios",
            "",
            "Written by `python -m tests.simulation.library`; not edited by hand.",
            f"{len(by_report)} public reports are told by {len(files)} scenarios, {len(CANNOT_BE_SAID)} cannot be.",
            "`OC-` numbers are issues and pull requests of openclaw/openclaw; each file names its address.",
            "",
            "| report | scenario, in words | file |",
            "|---|---|---|",
            *_rows(by_report),
            "",
            "## Reports that a scenario cannot tell",
            "",
            "| report | why |",
            "|---|---|",
            *(f"| {report} | {why} |" for report, why in sorted(CANNOT_BE_SAID.items())),
            "",
            "## Failure kinds",
            "",
            "| kind | scenarios |",
            "|---|---|",
            *(f"| `{kind}` | {count} |" for kind, count in sorted(kinds.items())),
            "",
        ]
    )


def _rows(by_report: dict[str, list[Told]]) -> Iterator[str]:
    for report, files in sorted(by_report.items(), key=lambda item: _order(item[0])):
        for file in files:
            name = file.path.relative_to(LIBRARY).as_posix()
            yield f"| {report} | {file.title} | [{name}](../tests/scenarios/{name}) |"


def _order(report: str) -> tuple[str, int, str]:
    project, _, number = report.rpartition("-")
    return project, int("".join(c for c in number if c.isdigit())), number


def _read(path: Path) -> Told:
    document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    return Told(path, document["title"], tuple(document.get("incidents", ())), tuple(document.get("kinds", ())))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
