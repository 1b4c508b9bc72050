"""Whether a run does the same step again and again with the same outcome. Pure; digests only, never contents."""

import json
import re
from collections import deque
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from livewatch.sources.openclaw.shapes import table

_REMEMBERED = 4
"""Distinct steps that a loop may go round in and still be one."""
_VOLATILE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z?|0x[0-9a-f]+|[0-9a-f]{8}-[0-9a-f-]{27}|\b\d{9,}\b|/tmp/[^\s\"']+")
"""Parts of arguments that differ although the step is the same: times, addresses, ids, temporary files."""


def step_digest(name: str, arguments: object) -> str:
    """Return what tells one tool call from another."""
    text = json.dumps(arguments, sort_keys=True, default=str)
    return blake2b(f"{name}\0{_VOLATILE.sub('#', text)}".encode("utf-8", "replace"), digest_size=8).hexdigest()


def outcome_class(data: dict[str, Any]) -> str:
    """Return the kind of a tool's outcome: its status and exit code, not what it printed."""
    details = table(table(data.get("result")).get("details"))
    return f"{data.get('isError')}:{details.get('status')}:{details.get('exitCode')}"


@dataclass(slots=True)
class Repetition:
    """Counts steps that bring nothing new."""

    count: int = 0
    since_s: float | None = None
    _known: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def step(self, digest: str, outcome: str, at_s: float) -> bool:
        """Note a step that ended; return whether it was new."""
        key = f"{digest}:{outcome}"
        if key in self._known:
            self.count += 1
            self.since_s = at_s if self.since_s is None else self.since_s
            return False
        self._known.append(key)
        self.new()
        return True

    def new(self) -> None:
        """Note that something new came."""
        self.count, self.since_s = 0, None
