"""What the rules ask about one session, worked out once from what is known of it."""

from livewatch_classifiers.model import Activity, Session, Vitals
from livewatch_classifiers.thresholds import ALLOWANCE_MARGIN, Thresholds
from livewatch_classifiers.vocabulary import (
    ActivityKind,
    AwaitedState,
    EvidenceClass,
    Phase,
    Presence,
    SessionState,
    WaitKind,
)


class Facts:
    """The facts of one session, and the limits that hold for it."""

    __slots__ = (
        "abort_limit_s",
        "activity",
        "allowance_s",
        "foreign",
        "last_s",
        "limits",
        "maybe_owned",
        "owned",
        "ownerless",
        "queued",
        "session",
        "silence_s",
        "stall_limit_s",
        "thresholds",
        "vitals",
    )

    def __init__(self, session: Session, vitals: Vitals, thresholds: Thresholds) -> None:
        self.session = session
        self.vitals = vitals
        self.thresholds = thresholds
        self.queued = session.queued or 0
        self.activity, self.foreign = _own_activity(session)
        owner = self.activity.owner if self.activity is not None else session.owner
        self.owned = owner is Presence.PRESENT
        self.maybe_owned = owner is Presence.PRESENT or (owner is Presence.UNKNOWN and self.activity is not None)
        self.ownerless = self.activity is not None and owner is Presence.ABSENT
        self.limits = thresholds.limits(session, self.activity)
        declared_s = thresholds.declared(self.activity) if self.owned else None
        self.allowance_s = declared_s * ALLOWANCE_MARGIN if declared_s is not None else None
        """The declared allowance with its margin, or ``None``."""
        self.abort_limit_s = self._abort_limit()
        """Silence after which an owned run may be aborted."""
        self.stall_limit_s = self._stall_limit()
        """Silence after which the activity counts as stalled."""
        self.last_s = self._last()
        """Moment of the last thing that was new or showed work, or ``None`` when none is known."""
        self.silence_s = self.vitals.age(self.last_s)
        """Responsive seconds since anything new came from this run, or ``None`` when that is unknown."""

    def can_act(self, evidence_class: EvidenceClass) -> bool:
        """Return whether enough of the session can be seen for any action on it; see `can_act`."""
        return can_act(self.session, evidence_class)

    def silent(self, limit_s: float) -> bool:
        """Return whether silence is known to exceed the limit."""
        return self.silence_s is not None and self.silence_s > limit_s

    def tool_label_s(self) -> float:
        """Return the silence after which a tool call is called blocked.

        Where a tool may be silent for longer than other work, it is not called sick before other work would be ended:
        148 s of sync and 260 s of exec were healthy (OpenClaw 73327, 85251).
        """
        if self.allowance_s is not None:
            return self.allowance_s
        patient = self.limits.abort_s > self.thresholds.abort_after_s
        return max(self.limits.warn_s, self.thresholds.abort_after_s) if patient else self.limits.warn_s

    def repeating_s(self) -> float | None:
        """Return for how long the run has repeated itself without yield, or ``None`` when it does not.

        A request to a model that fails again and again needs few repeats, another step many: a poll may well say
        the same for a while.
        """
        needed = self.thresholds.attempts_min if self._asks_a_model() else self.thresholds.repeats_min
        if not self.maybe_owned or self._repeats() < needed:
            return None
        age_s = self.vitals.age(self.session.repeating_since_s)
        return None if age_s is None else max(0.0, age_s - self._backing_off_s())

    def _asks_a_model(self) -> bool:
        """Return whether a request to a model is under way, or is to be made again after a back-off."""
        wait, activity = self.session.wait, self.activity
        retries = wait is not None and wait.kind is WaitKind.PROVIDER_BACKOFF
        return retries or (activity is not None and activity.kind is ActivityKind.MODEL_CALL)

    def _repeats(self) -> int:
        """Return how often the same step was done with nothing new, as the run or its back-off counts it."""
        wait = self.session.wait
        return max(self.session.repeats, wait.attempts_without_yield if wait is not None else 0)

    def _backing_off_s(self) -> float:
        """Return for how long the present declared back-off lasts already: waiting is not repeating (152983)."""
        wait = self.session.wait
        if wait is None or wait.kind is not WaitKind.PROVIDER_BACKOFF:
            return 0.0
        return self.vitals.age(wait.since_s) or 0.0

    def attempts_spent(self) -> bool:
        """Return whether requests to a model yielded nothing as often as a retry may, whatever back-off is declared."""
        return self.maybe_owned and self._asks_a_model() and self._repeats() >= self.thresholds.retry_attempts_max

    def nothing_new_s(self) -> float | None:
        """Return the age of the last new content of this run, or of the run itself while there is none."""
        run = self.session.run
        moments = (self.session.progress_s, run.started_s if run is not None else None)
        known = [moment for moment in moments if moment is not None]
        return self.vitals.age(max(known)) if known else None

    def stale(self, limit_s: float) -> bool:
        """Return whether state and progress (and, when idle, the oldest queued message) are older than the limit.

        A lane is idle for a moment between two turns, however long its queue already waits: all three must be old.
        """
        session = self.session
        moments = [session.state_since_s, session.progress_s]
        if session.state in (SessionState.IDLE, None) and self.queued:
            if session.oldest_queued_s is None:
                return False  # the message may have come this very moment
            moments.append(session.oldest_queued_s)
        ages = [age for age in map(self.vitals.age, moments) if age is not None]
        return bool(ages) and min(ages) > limit_s

    def turn_older_than(self, limit_s: float) -> bool:
        """Return whether the current turn began longer ago than the limit."""
        run = self.session.run
        age_s = self.vitals.age(run.started_s if run is not None and run.started_s else self.session.state_since_s)
        return age_s is not None and age_s > limit_s

    def waits_for_drain(self) -> bool:
        """Return whether its messages wait for nothing but the end of a drain, within the bound of an admission."""
        session = self.session
        at_rest = self.activity is None and session.run is None and session.state is not SessionState.PROCESSING
        if self.vitals.phase is not Phase.DRAINING or not self.queued or not at_rest:
            return False
        waited_s = self.vitals.age(session.oldest_queued_s)
        return waited_s is None or waited_s <= self.thresholds.wait_bounds_s.get(WaitKind.LANE_ADMISSION, 0.0)

    def queue_settled(self) -> bool:
        """Return whether the oldest message waits long enough that no run can be about to take it."""
        age_s = self.vitals.age(self.session.oldest_queued_s)
        return age_s is None or age_s > self.thresholds.settle_s

    def wait_bound_s(self) -> float:
        """Return the bound of the current wait kind in seconds."""
        assert self.session.wait is not None
        return self.thresholds.wait_bounds_s.get(self.session.wait.kind, float("inf"))

    def wait_is_over(self) -> bool:
        """Return whether the wait has passed its own deadline or its kind's bound.

        A child that is known to be alive can still end it, and is judged by itself (OpenClaw 126924).
        """
        wait = self.session.wait
        assert wait is not None
        if wait.answer_impossible:
            return True
        if wait.kind is WaitKind.SUBAGENT and wait.awaited is AwaitedState.ALIVE:
            return False
        if wait.deadline_s is not None and self.vitals.now_s >= wait.deadline_s:
            return (self.vitals.age(wait.deadline_s) or 0.0) > 0
        age_s = self.vitals.age(wait.since_s)
        return age_s is not None and age_s > self.wait_bound_s()

    def wait_limit_s(self) -> float | None:
        """Return the limit that the present wait is past: its delivery's, its own deadline's or its kind's bound."""
        wait = self.session.wait
        assert wait is not None
        if wait.answer_impossible:
            return None
        if self.undelivered():
            return self.thresholds.allowances_s.get(ActivityKind.DELIVERY, 0.0)
        if wait.deadline_s is not None and wait.since_s is not None and self.vitals.now_s >= wait.deadline_s:
            return max(0.0, wait.deadline_s - wait.since_s)
        return self.wait_bound_s()

    def undelivered(self) -> bool:
        """Return whether the request is known never to have reached anybody."""
        wait = self.session.wait
        assert wait is not None
        age_s = self.vitals.age(wait.since_s)
        limit_s = self.thresholds.allowances_s.get(ActivityKind.DELIVERY, 0.0)
        return wait.delivered is Presence.ABSENT and age_s is not None and age_s > limit_s

    def awaited_is_over(self) -> bool:
        """Return whether the awaited run is terminal or unknown to the runtime, and had time to be noticed."""
        wait = self.session.wait
        assert wait is not None
        ended = wait.awaited in (AwaitedState.TERMINAL, AwaitedState.MISSING)
        age_s = self.vitals.age(wait.since_s)
        return ended and age_s is not None and age_s > self.thresholds.settle_s

    def _last(self) -> float | None:
        session, activity = self.session, self.activity
        moments = [session.progress_s]
        if activity is not None:
            moments += [activity.since_s, self._working(activity)]
            moments.append(session.run.started_s if self.owned and session.run is not None else None)
        known = [moment for moment in moments if moment is not None]
        return max(known) if known else None

    def _working(self, activity: Activity) -> float | None:
        """Return the last moment of outside evidence of work, unless a declared or the general bound is over."""
        age_s = self.vitals.age(activity.since_s)
        bound_s = self.allowance_s if self.allowance_s is not None else self.thresholds.corroboration_max_s
        return activity.working_s if age_s is not None and age_s <= bound_s else None

    def _abort_limit(self) -> float:
        if self.allowance_s is not None:
            return self.allowance_s
        run = self.session.run
        if run is not None and run.timeout_s is not None and run.asked_to_end_s is None:
            age_s = self.vitals.age(run.started_s)
            if age_s is not None and age_s > run.timeout_s * ALLOWANCE_MARGIN + self.thresholds.settle_s:
                return self.limits.warn_s  # the gateway's own timer should have ended it and did not
        if self.activity is not None and not self.session.activity_known:
            return max(self.limits.abort_s, self.thresholds.tool_abort_after_s)  # it may be a tool that works
        return self.limits.abort_s

    def _stall_limit(self) -> float:
        if self.allowance_s is not None:
            return self.allowance_s
        if self.owned and not self.session.activity_known:
            return self.abort_limit_s
        kind = self.activity.kind if self.activity is not None else None
        if kind is ActivityKind.MODEL_CALL and self.owned:
            return self.abort_limit_s
        if kind is not None and self.owned and kind in self.thresholds.allowances_s:
            return self.thresholds.allowances_s[kind]
        return self.limits.warn_s


def can_act(session: Session, evidence_class: EvidenceClass) -> bool:
    """Return whether enough of the session can be seen for an action that rests on evidence of this class.

    Without its state nothing is known for certain. Without its progress, without knowing whether it waits for
    somebody or what it does, silence is no evidence; what is certain needs none of them (J2; OpenClaw 34052).
    """
    if session.state is None:
        return False
    return evidence_class is EvidenceClass.CERTAIN or _can_be_heard(session)


def _can_be_heard(session: Session) -> bool:
    return session.progress_known and session.wait_known and session.activity_known


def _own_activity(session: Session) -> tuple[Activity | None, bool]:
    """Return the activity to judge by, and whether a foreign one (of an older run) was set aside.

    A registered run with no finer activity is itself the activity, also where none can be seen (OpenClaw 79612).
    """
    activity, run = session.activity, session.run
    live = run is not None and session.owner is Presence.PRESENT
    foreign = activity is not None and live and run is not None and _older(activity, run.id, run.started_s)
    if activity is not None and not foreign:
        return activity, False
    if live and run is not None:
        return Activity(ActivityKind.EMBEDDED_RUN, Presence.PRESENT, run.id, run.started_s), foreign
    return None, foreign


def _older(activity: Activity, run_id: str, started_s: float | None) -> bool:
    if activity.run_id is not None and activity.run_id != run_id:
        return True
    return activity.since_s is not None and started_s is not None and activity.since_s < started_s
