"""What was seen of one fault, from injection to recovery."""

from dataclasses import dataclass, field
from typing import Any

from livewatch.demo.expectation import EXPECTED, Expectation
from livewatch.demo.fault import Fault
from livewatch_classifiers.decision import Completed
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import Attention, VitalsReason, VitalsState

_ORDER = tuple(Attention)


@dataclass(slots=True)
class FaultRecord:
    """Filled in by the watcher (judgement, action) and the driver (injection, recovery). Monotonic seconds."""

    fault: Fault
    session: str | None
    injected_s: float | None = None
    detected_s: float | None = None
    recovered_s: float | None = None
    attention: str = Attention.NONE.value
    reason: str = ""
    label: tuple[str, str] = (Attention.NONE.value, "")
    """The latest judgement, for the view."""
    seen: set[Attention] = field(default_factory=set[Attention])
    action: str = "none"
    outcome: str = "left_alone"
    stack: str = ""
    """Where the loop was blocked."""
    problem: str = ""
    """Why this fault did not go as it must; empty when it did."""

    @property
    def expected(self) -> Expectation:
        """What must happen with this fault."""
        return EXPECTED[self.fault]

    @property
    def culprit(self) -> str:
        """The innermost line of the blocking stack as ``file:line``, without its folder; empty if there is none."""
        innermost = self.stack.splitlines()[-1].split(" ")[0] if self.stack else ""
        return innermost.rsplit("/", 1)[-1]

    def sick_at(self, now_s: float) -> bool:
        """Return whether the fault was present at a moment, so that a judgement of it is no mistake."""
        began = self.injected_s is not None and now_s >= self.injected_s
        return began and (self.recovered_s is None or now_s <= self.recovered_s)

    def judged(self, verdict: Verdict, now_s: float) -> None:
        """Take note of a verdict on this fault's session."""
        self.label = (verdict.attention.value, verdict.reason.value)
        self.seen.add(verdict.attention)
        if self.expected.repaired:
            match = (verdict.attention, verdict.reason) == (self.expected.attention, self.expected.reason)
        else:
            match = _ORDER.index(verdict.attention) > _ORDER.index(Attention(self.attention))
        if match and (self.detected_s is None or not self.expected.repaired):
            self.detected_s = now_s if self.detected_s is None else self.detected_s
            self.attention, self.reason = self.label

    def unresponsive(self, now_s: float, stack: str) -> None:
        """Take note that the gateway was seen to be unresponsive; ``stack`` may follow later."""
        self.detected_s = now_s if self.detected_s is None else self.detected_s
        self.attention, self.reason = VitalsState.UNRESPONSIVE.value, VitalsReason.EVENT_LOOP_DELAY.value
        self.label = (self.attention, self.reason)
        self.stack = stack or self.stack

    def acted(self, done: Completed) -> None:
        """Take note of an action whose outcome was seen; the last one counts."""
        self.action, self.outcome = done.action.kind.value, done.outcome.value

    def as_json(self) -> dict[str, Any]:
        """Return the document of this fault; durations in seconds since the injection."""
        document: dict[str, Any] = {
            "name": self.fault.value,
            "session": self.session,
            "attention": self.attention,
            "reason": self.reason or None,
            "detected_after_s": self._since(self.detected_s),
            "action": self.action,
            "outcome": self.outcome,
            "recovered_after_s": self._since(self.recovered_s),
            "problem": self.problem or None,
        }
        return document | ({"stack": self.stack.splitlines()} if self.stack else {})

    def _since(self, moment_s: float | None) -> float | None:
        if moment_s is None or self.injected_s is None:
            return None
        return round(moment_s - self.injected_s, 2)
