"""How long each gate has held each session, and when that is longer than its bound. Pure and frozen.

A bound ends in telling a person, never in the held action (OpenClaw 142200 had no bound, 130906 a bound that killed).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import Decision, Hold, OverdueHold
from livewatch_classifiers.vocabulary import Gate

_Key = tuple[str, Gate]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The time for which one gate has held one session since that session was last free."""

    held_s: float = 0.0
    seen_s: float | None = None
    """Moment of the latest tick in which it held; ``None`` while another gate is the one that holds."""
    overdue: OverdueHold | None = None
    """What a person was told, while that is still so."""


@dataclass(frozen=True, slots=True)
class HoldClock:
    """The hold times of all sessions. Gates that take turns add up, so that they cannot hide behind each other."""

    stretches: Mapping[_Key, _Stretch] = field(default_factory=lambda: MappingProxyType({}))

    def observed(
        self, decisions: Iterable[Decision], policy: Policy, now_s: float, *, pending: frozenset[str] = frozenset()
    ) -> "HoldClock":
        """Take in the decisions of one tick. A tick without a look at the gateway decides nothing: leave it out.

        Args:
            decisions: what was decided about each session.
            policy: the bounds of the gates.
            now_s: monotonic time of the tick.
            pending: sessions with an action whose outcome is not seen. An attempt is no end of a hold: a lever that
                fails once an hour would otherwise begin the count anew for ever (OpenClaw 151859).
        """
        holds = {d.session: d for d in decisions if isinstance(d, Hold)}
        stretches: dict[_Key, _Stretch] = {}
        for (session, gate), stretch in self.stretches.items():
            hold = holds.get(session)
            if hold is None and session in pending and stretch.overdue is None:
                stretches[session, gate] = replace(stretch, seen_s=None)
            if hold is not None and hold.gate is not gate and stretch.overdue is None:
                stretches[session, gate] = replace(stretch, seen_s=None)
        for session, hold in holds.items():
            before = self.stretches.get((session, hold.gate), _Stretch())
            stretches[session, hold.gate] = _held_on(before, hold, policy.hold_bound_of(hold.gate), now_s)
        return HoldClock(MappingProxyType(stretches))

    @property
    def overdue(self) -> dict[_Key, OverdueHold]:
        """Return what is held longer than its gate's bound now."""
        return {key: stretch.overdue for key, stretch in self.stretches.items() if stretch.overdue is not None}

    def held_s(self, session: str, gate: Gate) -> float:
        """Return for how many seconds a gate has held a session since it was last free."""
        return self.stretches.get((session, gate), _Stretch()).held_s


def _held_on(before: _Stretch, hold: Hold, bound_s: float, now_s: float) -> _Stretch:
    held_s = before.held_s + (0.0 if before.seen_s is None else max(0.0, now_s - before.seen_s))
    if held_s < bound_s:
        return _Stretch(held_s, now_s)
    began_s = now_s if before.overdue is None else before.overdue.overdue_since_s
    return _Stretch(
        held_s,
        now_s,
        OverdueHold(hold.session, hold.kind, hold.gate, hold.reason, hold.detail, held_s, bound_s, began_s),
    )
