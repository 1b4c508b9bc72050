"""One session under judgement: its facts, and the verdicts that the rules have in common."""

from livewatch_classifiers.facts import Facts
from livewatch_classifiers.verdict import Evidence, Verdict
from livewatch_classifiers.vocabulary import (
    SICK,
    Attention,
    Classification,
    EvidenceClass,
    Presence,
    Reason,
    Remedy,
)


class Case(Facts):
    """The facts of one session, and constructors for the verdicts that the rules share."""

    __slots__ = ()

    def verdict(
        self,
        rule: str,
        attention: Attention,
        reason: Reason,
        *,
        classification: Classification = Classification.NONE,
        evidence_class: EvidenceClass = EvidenceClass.NONE,
        remedy: Remedy = Remedy.NONE,
        eligible: bool = False,
        due_in_s: float | None = None,
        limit_s: float | None = None,
        extra: Evidence = (),
    ) -> Verdict:
        """Return a verdict with the evidence that every rule shares, the limit that decided, and ``extra``.

        Whatever the rule, its remedy is for a person where too little can be seen for an action, and where the action
        would never become eligible (judgement findings J2, J3).
        """
        acts = remedy not in (Remedy.NONE, Remedy.TELL_PERSON)
        if acts and not self.can_act(evidence_class):
            eligible, due_in_s = False, None
        if acts and not eligible and due_in_s is None:
            remedy = Remedy.TELL_PERSON if attention in SICK else Remedy.NONE
        return Verdict(
            key=self.session.key,
            attention=attention,
            reason=reason,
            rule=rule,
            classification=classification,
            evidence_class=evidence_class,
            remedy=remedy,
            eligible=eligible,
            due_in_s=0.0 if eligible else due_in_s,
            evidence=() if attention is Attention.NONE else self._evidence(limit_s, extra),
        )

    def long_running(
        self, rule: str, reason: Reason, *, remedy: Remedy = Remedy.NONE, due_limit_s: float | None = None
    ) -> Verdict:
        """Return the verdict on work that is slow and left alone."""
        return self.verdict(
            rule,
            Attention.LONG_RUNNING,
            reason,
            classification=Classification.LONG_RUNNING,
            remedy=remedy,
            due_in_s=self._due_in(due_limit_s),
            limit_s=due_limit_s,
        )

    def abortable(self, rule: str, reason: Reason, classification: Classification, *, label_s: float) -> Verdict:
        """Return the verdict on work that stalled: an abort later if it is owned, a person if it is not."""
        if self.ownerless and self.session.owner is Presence.ABSENT and self.session.run is None:
            return self.orphaned(rule, reason, classification, limit_s=label_s)
        abortable = self.owned and self.session.run is not None
        due_s = self.abort_limit_s if abortable else None
        return self.verdict(
            rule,
            Attention.STALLED,
            reason,
            classification=classification,
            evidence_class=EvidenceClass.SILENCE,
            remedy=Remedy.ABORT_RUN if abortable else Remedy.TELL_PERSON,
            eligible=due_s is not None and self.silent(due_s),
            due_in_s=self._due_in(due_s),
            limit_s=due_s if due_s is not None and self.silent(due_s) else label_s,
        )

    def orphaned(self, rule: str, reason: Reason, classification: Classification, *, limit_s: float) -> Verdict:
        """Return the verdict on work that is known to belong to nobody: its lane is released (OpenClaw 87310)."""
        return self.verdict(
            rule,
            Attention.STALLED,
            reason,
            classification=classification,
            evidence_class=EvidenceClass.SILENCE,
            remedy=Remedy.RELEASE_LANE,
            eligible=True,
            limit_s=limit_s,
        )

    def release_lane(self, rule: str, reason: Reason) -> Verdict:
        """Return the verdict on a lane that nobody serves; eligible only when no owner is *known* to exist."""
        # Of a delivered turn the owner has nothing left to lose; but it must be known who that is.
        ended = rule == "10" and self.session.owner is not Presence.UNKNOWN
        unowned = self.session.owner is Presence.ABSENT or self.ownerless
        return self.verdict(
            rule,
            Attention.STUCK,
            reason,
            classification=Classification.STALE_SESSION_STATE,
            evidence_class=EvidenceClass.SILENCE,
            remedy=Remedy.RELEASE_LANE,
            eligible=(unowned and self.session.activity_known) or ended,
            limit_s=self.limits.warn_s,
        )

    def _due_in(self, limit_s: float | None) -> float | None:
        if limit_s is None or self.silence_s is None or self.session.run is None:
            return None  # nobody can be asked to end a run that has no name
        return round(max(0.0, limit_s - self.silence_s), 3)

    def _evidence(self, limit_s: float | None, extra: Evidence) -> Evidence:
        """Return the shared facts, each replaced by what ``extra`` says under the same name, and the rest of that."""
        shared = self._shared_evidence(limit_s)
        return tuple({**dict(shared), **dict(extra)}.items())

    def _shared_evidence(self, limit_s: float | None) -> Evidence:
        session, activity = self.session, self.activity
        pairs: list[tuple[str, float | int | str | None]] = [
            ("state", session.state.value if session.state else "unknown"),
            ("queued", session.queued),
            ("owner", session.owner.value),
            ("activity", activity.kind.value if activity is not None and activity.kind else None),
            ("activity_name", activity.name if activity is not None and activity.name else None),
            ("activity_owner", activity.owner.value if activity is not None else None),
            ("activity_age_s", _rounded(self.vitals.age(activity.since_s)) if activity is not None else None),
            ("silence_s", _rounded(self.silence_s)),
            ("state_age_s", _rounded(self.vitals.age(session.state_since_s))),
            ("store_says", "running" if session.store_says_running is Presence.PRESENT else None),
            ("wait", session.wait.kind.value if session.wait is not None else None),
            ("wait_age_s", _rounded(self.vitals.age(session.wait.since_s)) if session.wait is not None else None),
            ("limit_s", _rounded(limit_s)),
            ("foreign_activity", 1 if self.foreign else None),
        ]
        return tuple((name, value) for name, value in pairs if value is not None)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
