"""What the classifiers say: a label, a reason, the rule that matched and the numbers that made it match."""

from dataclasses import dataclass

from livewatch_classifiers.vocabulary import (
    Attention,
    Classification,
    EvidenceClass,
    Reason,
    Remedy,
    StallCause,
    VitalsReason,
    VitalsState,
)

Evidence = tuple[tuple[str, float | int | str], ...]
"""Pairs of name and value; names end in their unit (``progress_age_s``)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The classifier's judgement of one session at one moment."""

    key: str
    attention: Attention
    reason: Reason
    rule: str
    """Number of the rule in the design's table, for example ``"3b"``."""
    classification: Classification = Classification.NONE
    evidence_class: EvidenceClass = EvidenceClass.NONE
    remedy: Remedy = Remedy.NONE
    eligible: bool = False
    """True when the remedy may be asked for now: its threshold is past and nothing that it needs is unknown."""
    due_in_s: float | None = None
    """Responsive seconds until ``eligible`` becomes true if nothing else changes; ``None`` when it never does."""
    evidence: Evidence = ()

    @property
    def label(self) -> tuple[Attention, Reason]:
        """The part of the verdict whose change is a transition."""
        return (self.attention, self.reason)


@dataclass(frozen=True, slots=True)
class VitalsVerdict:
    """The classifier's judgement of the gateway as a whole."""

    state: VitalsState
    reasons: tuple[VitalsReason, ...] = ()
    cause: StallCause = StallCause.UNKNOWN
    evidence: Evidence = ()
    over: tuple[tuple[VitalsReason, float], ...] = ()
    """Since when each value has been beyond its limit, in monotonic seconds; also those too short to be a reason."""
    suspended_s: float | None = None
    """When the host was last seen to have slept."""

    draining_since_s: float | None = None
    """Since when the gateway is draining, in monotonic seconds; ``None`` while it is not."""

    @property
    def healthy(self) -> bool:
        """Whether sessions may be judged by their silence at all right now."""
        return self.state in (VitalsState.RESPONSIVE, VitalsState.DEGRADED)
