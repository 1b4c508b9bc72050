"""One line of plain words for each kind of moment in an incident."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from livewatch.durations import format_duration

_Facts = Mapping[str, Any]
_TIMES = (("silent", "silence_s"), ("limit", "limit_s"))


def describe(kind: str, facts: _Facts) -> str:
    """Return the line; facts that are missing are left out, never guessed."""
    teller = _TELLERS.get(kind)
    return kind if teller is None else teller(facts)


def brief(kind: str, facts: _Facts) -> str:
    """Return the line without the evidence in full: what a person reads while it scrolls by."""
    if kind != "transition":
        return describe(kind, facts)
    after = cast("_Facts", facts.get("after") or {})
    evidence = cast("_Facts", after.get("evidence") or {})
    doing = " ".join(str(evidence[name]) for name in ("activity", "activity_name") if name in evidence)
    times = [f"{word} {_seconds(evidence[name])}" for word, name in _TIMES if name in evidence]
    told = ", ".join(part for part in (doing, *times) if part)
    short: _Facts = {**facts, "after": {**after, "evidence": {}}} if after else facts
    return f"{_transition(short)}{'; ' if told else ''}{told}"


def check_facts(kind: str, facts: _Facts) -> None:
    """Refuse facts that cannot be told: a journal may have been damaged, or written into by somebody else.

    Raises:
        ValueError: when something that the line needs is missing, or of another type.
    """
    try:
        describe(kind, facts)
        told = [facts[side] for side in ("after", "before") if kind == "transition" and facts.get(side)]
        words = [verdict[name] for verdict in told for name in ("attention", "reason")]
        words += [facts["state"]] if "state" in facts else []
    except (LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"a damaged {kind}: {error!r}") from error
    if not all(isinstance(word, str) for word in words):
        raise ValueError(f"a damaged {kind}: {words}")


def _transition(facts: _Facts) -> str:
    after, before = facts.get("after"), facts.get("before")
    was = f"was {_label(before)} for {_seconds(facts.get('held_s', 0))}" if before else "first seen"
    if not after:
        return f"the session is gone ({was})"
    rule = f", rule {after['rule']}" if "rule" in after else ""
    evidence = ", ".join(f"{name} {value}" for name, value in after.get("evidence", {}).items())
    told = f"; {evidence}" if evidence else ""
    return f"{_label(after)}{rule} ({was}){told}"


def _hold_began(facts: _Facts) -> str:
    detail = f": {facts['detail']}" if facts.get("detail") else ""
    return f"{facts['action']} blocked by gate {facts['gate']}{detail}"


def _hold_ended(facts: _Facts) -> str:
    return f"{facts['action']} no longer blocked by gate {facts['gate']} (blocked {_seconds(facts.get('held_s', 0))})"


def _hold_overdue(facts: _Facts) -> str:
    bound = f", its bound is {_seconds(facts['bound_s'])}" if "bound_s" in facts else ""
    held = _seconds(facts.get("held_s", 0))
    return f"a person should look: gate {facts['gate']} has blocked {facts['action']} for {held}{bound}"


def _hold_overdue_ended(facts: _Facts) -> str:
    return f"{facts['action']} is no longer blocked by gate {facts['gate']}, after {_seconds(facts.get('held_s', 0))}"


def _vitals(facts: _Facts) -> str:
    reasons = f" ({', '.join(facts['reasons'])})" if facts.get("reasons") else ""
    cause = f", cause {facts['cause']}" if facts.get("cause", "unknown") != "unknown" else ""
    stack = str(facts.get("stack", "")).strip().splitlines()
    where = f", blocked at {stack[-1]}" if stack else ""
    problem = f": {facts['problem']}" if facts.get("problem") else ""
    return f"gateway {facts['state']}{reasons}{cause}{where}{problem}"


def _clock_jump(facts: _Facts) -> str:
    return f"the wall clock jumped by {facts['jump_s']:+g} s"


def _gateway_restarted(facts: _Facts) -> str:
    return f"the gateway restarted as pid {facts['pid']}" if "pid" in facts else "the gateway restarted"


def _operator(facts: _Facts) -> str:
    return f"{facts['who']}: {facts['what']}"


def _intent(facts: _Facts) -> str:
    return f"{facts['action']} decided: {facts['cause']}"


def _outcome(facts: _Facts) -> str:
    reply = f", the gateway answered {facts['reply']}" if facts.get("reply") else ""
    return f"{facts['action']} {facts['outcome'] or facts['how']}: {facts['detail']}{reply}"


def _agent_restarted(_facts: _Facts) -> str:
    return "livewatch itself was started again"


def _label(verdict: _Facts) -> str:
    return f"{verdict['attention']}/{verdict['reason']}"


def _seconds(value: float) -> str:
    return format_duration(round(float(value), 1))


_TELLERS: Mapping[str, Callable[[_Facts], str]] = {
    "transition": _transition,
    "hold_began": _hold_began,
    "hold_ended": _hold_ended,
    "hold_overdue": _hold_overdue,
    "hold_overdue_ended": _hold_overdue_ended,
    "vitals": _vitals,
    "clock_jump": _clock_jump,
    "gateway_restarted": _gateway_restarted,
    "operator": _operator,
    "intent": _intent,
    "outcome": _outcome,
    "agent_restarted": _agent_restarted,
}
