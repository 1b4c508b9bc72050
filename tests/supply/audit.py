"""``make audit``: known vulnerabilities of every pinned version, and which versions nobody could be asked about.

`pip-audit` alone ends well and says "No known vulnerabilities found" when the service answers for no package at all.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"
CLEAN, VULNERABLE, INCOMPLETE = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Audit:
    """What came of asking about every pinned version."""

    asked: tuple[str, ...]
    unasked: Mapping[str, str]
    """Why not, by name."""
    found: Mapping[str, Sequence[str]]
    """Ids of known vulnerabilities, by name and version."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Audit":
        """Read what pip-audit writes with ``--format json``."""
        rows: list[dict[str, Any]] = document["dependencies"]
        return cls(
            tuple(row["name"] for row in rows if "skip_reason" not in row),
            {row["name"]: row["skip_reason"] for row in rows if "skip_reason" in row},
            {f"{row['name']} {row['version']}": [v["id"] for v in row["vulns"]] for row in rows if row.get("vulns")},
        )

    @property
    def code(self) -> int:
        """Exit code: 0 all asked and nothing known, 1 something known, 3 not everything could be asked."""
        if self.found:
            return VULNERABLE
        return INCOMPLETE if self.unasked or not self.asked else CLEAN

    def lines(self) -> list[str]:
        """Say it to a person."""
        said = [f"asked about {len(self.asked)} of {len(self.asked) + len(self.unasked)} pinned packages"]
        said += [f"VULNERABLE  {name}: {', '.join(ids)}" for name, ids in sorted(self.found.items())]
        if not self.found:
            said.append("nothing is known against those" if self.asked else "NOT RUN: nobody answered for any of them")
        if self.unasked and self.asked:
            said.append(f"NOT ASKED: {', '.join(sorted(self.unasked))}")
        if self.unasked:
            said.append(f"why: {next(iter(self.unasked.values()))}")
        return said


def main(arguments: Sequence[str]) -> int:
    """Run pip-audit over `constraints.txt`; further arguments are its own."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps", "--progress-spinner", "off"]
    command += ["--format", "json", "--requirement", str(CONSTRAINTS), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        audit = Audit.of(json.loads(ended.stdout))
    except (ValueError, KeyError):
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        sys.stdout.write(f"NOT RUN: pip-audit could not ask ({last})\n")
        return INCOMPLETE
    sys.stdout.write("\n".join(audit.lines()) + "\n")
    return audit.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
