"""What must be seen, and what must be done, for each fault. Whatever is not listed here must not happen."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from livewatch.demo.fault import Fault
from livewatch_classifiers.vocabulary import ActionKind, Attention, Reason


@dataclass(frozen=True, slots=True)
class Expectation:
    """The judgement and the repair of one fault."""

    title: str
    attention: Attention | None = None
    """``None`` for faults that are no session's own, and for work that must be left alone."""
    reason: Reason | None = None
    actions: frozenset[ActionKind] = frozenset()
    """What may be done; empty where nothing may be done."""
    first: Attention | None = None
    """What must have been said before the final label."""

    @property
    def repaired(self) -> bool:
        """Whether this fault is to be repaired, rather than left alone."""
        return bool(self.actions)


EXPECTED: Mapping[Fault, Expectation] = MappingProxyType(
    {
        Fault.ZOMBIE_RUN: Expectation(
            "run that ignores its abort",
            Attention.STUCK,
            Reason.ZOMBIE_RUN,
            frozenset({ActionKind.ABORT_RUN, ActionKind.FORCE_CLEAR}),
        ),
        Fault.ORPHANED_MODEL_CALL: Expectation(
            "orphaned model call",
            Attention.STUCK,
            Reason.QUEUED_WORK_WITHOUT_ACTIVE_RUN,
            frozenset({ActionKind.RELEASE_LANE}),
        ),
        Fault.ORPHANED_TOOL_CALL: Expectation(
            "orphaned tool call",
            Attention.STUCK,
            Reason.QUEUED_WORK_WITHOUT_ACTIVE_RUN,
            frozenset({ActionKind.RELEASE_LANE}),
        ),
        Fault.HUNG_MODEL_CALL: Expectation(
            "model that never answers",
            Attention.STALLED,
            Reason.ACTIVE_WORK_WITHOUT_PROGRESS,
            frozenset({ActionKind.ABORT_RUN}),
            first=Attention.LONG_RUNNING,
        ),
        Fault.HUNG_TOOL: Expectation(
            "tool that never exits",
            Attention.STALLED,
            Reason.BLOCKED_TOOL_CALL,
            frozenset({ActionKind.ABORT_RUN}),
        ),
        Fault.GHOST_SESSION: Expectation(
            "ghost session",
            Attention.STUCK,
            Reason.GHOST_SESSION,
            frozenset({ActionKind.EVICT_SESSION}),
        ),
        Fault.BLOCKED_LOOP: Expectation("blocked event loop"),
        Fault.SLOW_STREAM: Expectation("slow stream, but alive"),
        Fault.LONG_TOOL: Expectation("long tool that said so"),
        Fault.APPROVAL_WAIT: Expectation("waiting for an approval"),
    }
)
