"""A place to look from that shows what a test puts there."""

from collections.abc import Mapping
from typing import Any

from livewatch.top.vantage import Look, LostError, RefusedError
from livewatch.top.view import View
from tests.top.documents import look


class FakeVantage:
    """Answers at once; remembers what it was asked."""

    who = "the agent"

    def __init__(self, *, hands: bool = True) -> None:
        self.hands = self if hands else None
        self.shown = look()
        self.problem: Exception | None = None
        self.views: list[View] = []
        self.asked: list[tuple[str, ...]] = []
        self.gate = False
        self.nothing_to_do = ""
        self.closed = False

    async def look(self, view: View) -> Look:
        self.views.append(view)
        if self.problem is not None:
            raise self.problem
        return self.shown

    async def explain(self, key: str) -> Mapping[str, Any]:
        if key == "well":
            raise RefusedError("no session 'well'")
        verdict = dict.fromkeys(("attention", "reason", "rule", "evidence_class"), "x")
        return {
            "session": key,
            "verdict": verdict | {"rule_words": "because of this rule", "evidence": {}},
            "seen": [],
            "lanes": [],
            "vitals": {"state": "responsive", "reasons": [], "cause": "unknown"},
            "next": {"action": None, "why": "nothing is wrong", "gates": []},
            "tried": [],
            "repairs": 0,
            "quarantined": False,
        }

    async def hold(self, key: str, duration: str | None) -> str:
        self._ask("hold", key, str(duration))
        return ""

    async def resume(self, key: str) -> int:
        self._ask("resume", key)
        return 1 if key == "agent:one" else 0

    async def plan(self, key: str) -> Mapping[str, Any]:
        self._ask("plan", key)
        if self.nothing_to_do:
            raise RefusedError(self.nothing_to_do)
        gates = [{"gate": "backoff", "holds": self.gate, "detail": "opens in 4s"}]
        return {"session": key, "action": "abort_run", "run": "r1", "cause": "by hand", "gates": gates}

    async def recover(self, key: str, action: str) -> str:
        self._ask("recover", key, action)
        return "k1"

    async def outcome(self, key: str) -> Mapping[str, Any] | None:
        if sum(ask[0] == "outcome" for ask in self.asked) < 1:
            self._ask("outcome", key)
            return None
        return {"outcome": "recovered", "took_s": 0.5, "detail": "seen to work"}

    async def close(self) -> None:
        self.closed = True

    def _ask(self, *words: str) -> None:
        if self.problem is not None:
            raise LostError(str(self.problem))
        self.asked.append(words)
