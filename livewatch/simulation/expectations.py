"""Expectations that read like sentences, each checked against the record of a run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livewatch.durations import format_duration
from livewatch.simulation.document import Table, nearest
from livewatch.simulation.record import Mark, Record, spans
from livewatch.simulation.scenario import Expectation, Failure
from livewatch.simulation.tallies import TALLIES, tally
from livewatch_classifiers.lane import LaneCondition
from livewatch_classifiers.lock import LockCondition
from livewatch_classifiers.vocabulary import ActionKind, Attention, Gate, Outcome, Reason, VitalsState

_SESSION_LABELS = frozenset({*(a.value for a in Attention), *(r.value for r in Reason), "healthy", "sick"})
_SUBJECTS = {
    "session": _SESSION_LABELS,
    "lane": frozenset(c.value for c in LaneCondition),
    "lock": frozenset(c.value for c in LockCondition),
}
_COMMON = ("at", "between", "from", "by", "because", "outcome", "times")
_VITALS = frozenset(v.value for v in VitalsState)


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when a sentence speaks, in seconds of the scenario."""

    from_s: float
    to_s: float
    given: bool

    def __str__(self) -> str:
        """Return the window in words."""
        if not self.given:
            return ""
        if self.from_s == self.to_s:
            return f" at {format_duration(self.from_s)}"
        return f" between {format_duration(self.from_s)} and {format_duration(self.to_s)}"


def read_expectation(table: Table, duration_s: float) -> Expectation:
    """Return one expectation; it has exactly one subject and one predicate."""
    window = _window(table, duration_s)
    subjects = [key for key in ("session", "lane", "lock") if table.has(key)]
    subject = subjects[0] if subjects else ""
    name = table.name(subject, f"{subject}s") if subject else ""
    readers = _READERS[subject]
    predicates = [key for key in readers if table.has(key)]
    strange = [key for key in list(table.keys()) if key not in (*readers, *subjects, *_COMMON)]
    if strange and not predicates:
        raise table.error(strange[0], f"unknown key{nearest(strange[0], (*readers, *_COMMON))}")
    if len(subjects) > 1 or len(predicates) != 1:
        said = ", ".join(predicates) or "none"
        raise table.document.error(
            table.place, f"needs exactly one of {', '.join(readers)} about {subject or 'the gateway'}; it has {said}"
        )
    check, words = readers[predicates[0]](table, predicates[0], name, window)
    reason = table.text("because")
    table.done()
    text = f"{name or 'gateway'} {words}{window}{f' ({reason})' if reason else ''}"
    return Expectation(text, lambda record: _judge(text, name, check, record))


_Check = Callable[[Record], tuple[str, float | None] | None]
_Reader = Callable[[Table, str, str, Window], tuple[_Check, str]]


def _judge(text: str, session: str, check: _Check, record: Record) -> Failure | None:
    failed = check(record)
    return None if failed is None else Failure(text, failed[0], failed[1], session or None)


def _window(table: Table, duration_s: float) -> Window:
    window = _asked_window(table, duration_s)
    for key in ("at", "between", "by", "from"):
        if table.has(key) and max(window.from_s, window.to_s) > duration_s:
            raise table.error(key, f"looks beyond the scenario's end at {format_duration(duration_s)}")
    return window


def _asked_window(table: Table, duration_s: float) -> Window:
    if table.has("at"):
        at_s = table.needed_duration("at")
        return Window(at_s, at_s, given=True)
    if table.has("between"):
        pair = table.any("between")
        if not isinstance(pair, list):
            raise table.error("between", 'must be a pair of moments such as ["10m", "11m30s"]')
        span = table.span("between")
        assert span is not None
        return Window(span[0], span[1], given=True)
    from_s, by_s = table.duration("from", 0.0), table.duration("by")
    assert from_s is not None
    if by_s is None:
        return Window(from_s, duration_s, given=table.has("from"))
    return Window(from_s, by_s, given=True)


def _label(table: Table, key: str, known: frozenset[str], value: object) -> str:
    words = str(value).split("/")
    for word in words:
        if word not in known:
            raise table.error(key, f"unknown label {word!r}{nearest(word, known)}")
    return str(value)


def _labels(table: Table, key: str, known: frozenset[str]) -> tuple[str, ...]:
    values = table.texts(key)
    return tuple(_label(table, key, known, value) for value in values)


def _marks(kind: str, name: str) -> Callable[[Record], list[Mark]]:
    if kind == "session":
        return lambda record: record.labels.get(name, [])
    if kind == "lane":
        return lambda record: record.lanes.get(name, [])
    if kind == "lock":
        return lambda record: record.locks.get(name, [])
    return lambda record: record.gateway


def _is(kind: str, known: frozenset[str]) -> _Reader:
    def read(table: Table, key: str, name: str, window: Window) -> tuple[_Check, str]:
        labels, marks = _labels(table, key, known), _marks(kind, name)

        def check(record: Record) -> tuple[str, float | None] | None:
            seen = _within(marks(record), window, record.duration_s)
            wrong = next(((since_s, m) for since_s, m in seen if not any(m.matches(label) for label in labels)), None)
            if not seen:
                return "it was never judged in that time", window.from_s
            return None if wrong is None else (f"it was {wrong[1]} at {_at(wrong[0])}", wrong[0])

        return check, f"is {' or '.join(labels)}"

    return read


def _becomes(kind: str, known: frozenset[str]) -> _Reader:
    def read(table: Table, key: str, name: str, window: Window) -> tuple[_Check, str]:
        labels, marks = _labels(table, key, known), _marks(kind, name)

        def check(record: Record) -> tuple[str, float | None] | None:
            fitting = [m.at_s for m in marks(record) if any(m.matches(label) for label in labels)]
            if any(window.from_s <= at_s <= window.to_s for at_s in fitting):
                return None
            when = f"only at {', '.join(_at(s) for s in fitting[:3])}" if fitting else "never"
            return f"it became so {when}", fitting[0] if fitting else window.to_s

        return check, f"becomes {' or '.join(labels)}"

    return read


def _never_is(kind: str, known: frozenset[str]) -> _Reader:
    def read(table: Table, key: str, name: str, window: Window) -> tuple[_Check, str]:
        labels, marks = _labels(table, key, known), _marks(kind, name)

        def check(record: Record) -> tuple[str, float | None] | None:
            seen = _within(marks(record), window, record.duration_s)
            wrong = next(((since_s, m) for since_s, m in seen if any(m.matches(label) for label in labels)), None)
            return None if wrong is None else (f"it was {wrong[1]} at {_at(wrong[0])}", wrong[0])

        return check, f"never is {' or '.join(labels)}"

    return read


def _within(marks: Sequence[Mark], window: Window, end_s: float) -> list[tuple[float, Mark]]:
    """Return the labels that lasted at any moment of the window, with the moment at which they are first in it."""
    return [
        (max(since_s, window.from_s), mark)
        for since_s, until_s, mark in spans(list(marks), end_s + 1)
        if since_s <= window.to_s and until_s > window.from_s
    ]


def _action(table: Table, key: str, name: str, window: Window) -> tuple[_Check, str]:
    kind = table.as_word(key, table.any(key), ActionKind)
    outcome = table.word("outcome", Outcome, Outcome.RECOVERED) if table.has("outcome") else None
    times = table.count("times")

    def check(record: Record) -> tuple[str, float | None] | None:
        every = [d for d in record.deeds if d.action.kind is kind and d.action.session == name]
        inside = [d for d in every if window.from_s <= d.at_s <= window.to_s]
        if outcome is not None:
            ended = [done.action.idempotency_key for _, done in record.completed if done.outcome is outcome]
            inside = [d for d in inside if d.action.idempotency_key in ended]
        if inside and times in (None, len(inside)):
            return None
        outcomes = [done.outcome.value for _, done in record.completed if done.action.session == name]
        when = ", ".join(f"{_at(d.at_s)} ({d.reply.status.value})" for d in every[:4]) or "never"
        return f"it was sent {when}; outcomes seen: {', '.join(outcomes) or 'none'}", window.to_s

    return check, f"gets {kind.value}{f' with outcome {outcome.value}' if outcome else ''}"


def _no_action(table: Table, key: str, name: str, window: Window) -> tuple[_Check, str]:
    value = table.any(key)
    kinds = (
        frozenset(ActionKind)
        if value is True
        else frozenset(table.as_word(key, v, ActionKind) for v in table.texts(key))
    )

    def check(record: Record) -> tuple[str, float | None] | None:
        for deed in record.deeds:
            if deed.action.session == name and deed.action.kind in kinds and window.from_s <= deed.at_s <= window.to_s:
                return f"{deed.action.kind.value} was sent at {_at(deed.at_s)}: {deed.action.cause}", deed.at_s
        return None

    return check, f"never gets {'any action' if value is True else ' or '.join(sorted(k.value for k in kinds))}"


def _never_alarmed(table: Table, key: str, name: str, window: Window) -> tuple[_Check, str]:
    if table.any(key) is not True:
        raise table.error(key, "must be true")
    marks = _marks("session", name)

    def check(record: Record) -> tuple[str, float | None] | None:
        found = [
            (at_s, f"it was {mark}") for at_s, mark in _within(marks(record), window, record.duration_s) if mark.sick
        ]
        found += [(d.at_s, f"it got {d.action.kind.value}") for d in record.deeds if d.action.session == name]
        found += [(at_s, "a person was told") for at_s in record.told.get(name, [])]
        inside = sorted((e for e in found if window.from_s <= e[0] <= window.to_s), key=lambda entry: entry[0])
        return (f"{inside[0][1]} at {_at(inside[0][0])}", inside[0][0]) if inside else None

    return check, "is never acted on, called sick or told of"


def _held(table: Table, key: str, name: str, window: Window) -> tuple[_Check, str]:
    gate = table.as_word(key, table.any(key), Gate)

    def check(record: Record) -> tuple[str, float | None] | None:
        for holding in record.holdings:
            same = holding.session == name and holding.gate is gate
            if same and holding.first_s <= window.to_s and holding.last_s >= window.from_s:
                return None
        seen = sorted({h.gate.value for h in record.holdings if h.session == name})
        return f"no action of it was blocked by that gate (gates seen: {', '.join(seen) or 'none'})", window.to_s

    return check, f"is blocked by {gate.value}"


def _told(table: Table, key: str, name: str, window: Window) -> tuple[_Check, str]:
    wanted = table.flag(key)

    def check(record: Record) -> tuple[str, float | None] | None:
        told = [at_s for at_s in record.told.get(name, []) if window.from_s <= at_s <= window.to_s]
        if bool(told) is wanted:
            return None
        return ("nobody was told" if wanted else f"a person was told at {_at(told[0])}"), window.to_s

    return check, "is told to a person" if wanted else "is not told to a person"


def _quarantined(table: Table, key: str, name: str, window: Window) -> tuple[_Check, str]:
    wanted = table.flag(key)

    def check(record: Record) -> tuple[str, float | None] | None:
        at_s = record.quarantined.get(name)
        inside = at_s is not None and window.from_s <= at_s <= window.to_s
        return None if inside is wanted else ("it was not" if wanted else "it was", at_s or window.to_s)

    return check, "is quarantined" if wanted else "is not quarantined"


def _repaired(table: Table, key: str, name: str, window: Window) -> tuple[_Check, str]:
    by_s = table.needed_duration(key)
    del window

    def check(record: Record) -> tuple[str, float | None] | None:
        mine = [a for a in record.afflictions if a.session == name]
        late = next((a for a in mine if a.until_s is None or a.until_s > by_s), None)
        if not mine:
            return "it never was dead", by_s
        return None if late is None else (f"dead of {late.fault.value} since {_at(late.since_s)}", by_s)

    return check, f"is repaired by {format_duration(by_s)}"


def _dead(table: Table, key: str, name: str, window: Window) -> tuple[_Check, str]:
    wanted = table.flag(key)

    def check(record: Record) -> tuple[str, float | None] | None:
        for a in record.afflictions:
            ends_s = float("inf") if a.until_s is None else a.until_s
            if a.session == name and a.since_s <= window.to_s and ends_s > window.from_s:
                return None if wanted else (f"it is dead of {a.fault.value} since {_at(a.since_s)}", a.since_s)
        return ("in truth it is alive", window.to_s) if wanted else None

    return check, "is really dead" if wanted else "is really alive"


def _count(name_of: str, *, least: bool | None) -> _Reader:
    def read(table: Table, key: str, name: str, window: Window) -> tuple[_Check, str]:
        wanted = table.count(key)
        assert wanted is not None

        def check(record: Record) -> tuple[str, float | None] | None:
            number = tally(record, name_of, name, window.to_s)
            good = number == wanted if least is None else (number >= wanted if least else number <= wanted)
            return None if good else (f"it has {number}", window.to_s)

        how = "" if least is None else ("at least " if least else "at most ")
        return check, f"has {how}{wanted} {name_of.replace('_', ' ')}"

    return read


def _reclaimable(table: Table, key: str, name: str, window: Window) -> tuple[_Check, str]:
    wanted = table.flag(key)

    def check(record: Record) -> tuple[str, float | None] | None:
        at_s = record.reclaimable.get(name)
        inside = at_s is not None and at_s <= window.to_s
        return None if inside is wanted else ("it is not" if wanted else f"it is, since {_at(at_s or 0)}", window.to_s)

    return check, "is reclaimable" if wanted else "is not reclaimable"


def _at(seconds: float) -> str:
    return format_duration(seconds)


def _labelled(kind: str, known: frozenset[str]) -> dict[str, _Reader]:
    return {"is": _is(kind, known), "becomes": _becomes(kind, known), "never_is": _never_is(kind, known)}


def _counted() -> dict[str, _Reader]:
    readers: dict[str, _Reader] = {}
    for name in TALLIES:
        readers[name] = _count(name, least=None)
        readers[f"{name}_at_least"] = _count(name, least=True)
        readers[f"{name}_at_most"] = _count(name, least=False)
    return readers


_READERS: dict[str, dict[str, _Reader]] = {
    "session": {
        **_labelled("session", _SESSION_LABELS),
        "action": _action,
        "no_action": _no_action,
        "never_alarmed": _never_alarmed,
        "held_by": _held,
        "told": _told,
        "quarantined": _quarantined,
        "repaired_by": _repaired,
        "dead": _dead,
        **_counted(),
    },
    "lane": _labelled("lane", _SUBJECTS["lane"]),
    "lock": {**_labelled("lock", _SUBJECTS["lock"]), "reclaimable": _reclaimable},
    "": {
        "gateway_is": _is("", _VITALS),
        "gateway_becomes": _becomes("", _VITALS),
        "gateway_never_is": _never_is("", _VITALS),
        **_counted(),
    },
}
