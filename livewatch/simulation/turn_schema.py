"""Turns and steps as scenario files write them."""

from dataclasses import replace

from livewatch.simulation.document import Document, Table, nearest
from livewatch.simulation.plan import ALWAYS, AbortWay, DeadlineWay, Ending, Step, TimeoutWay, Turn
from livewatch_classifiers.vocabulary import ActivityKind, WaitKind

KINDS: dict[str, ActivityKind | None] = {
    "model": ActivityKind.MODEL_CALL,
    "tool": ActivityKind.TOOL_CALL,
    "compaction": ActivityKind.COMPACTION,
    "preparation": ActivityKind.PREPARATION,
    "delivery": ActivityKind.DELIVERY,
    "maintenance": ActivityKind.MAINTENANCE,
    "work": ActivityKind.EMBEDDED_RUN,
}
"""First key of a step and the activity that it stands for."""
_WAITS = ("ask", "awaits", "wait")


def read_turns(document: Document) -> dict[str, Turn]:
    """Return the named turns of a file; a turn may be used by those that stand below it."""
    turns: dict[str, Turn] = {}
    for name, table in document.top.table("turns").named_tables():
        turns[name] = read_turn(table, turns)
        document.names.setdefault("turns", set()).add(name)
    return turns


def turn_at(table: Table, key: str, turns: dict[str, Turn]) -> Turn | None:
    """Return the turn that a key gives: a name, a list of steps, or a table with steps and more."""
    if not table.has(key):
        return None
    value = table.any(key)
    if isinstance(value, str):
        if value not in turns:
            raise table.error(key, f"no turn is called {value!r}{nearest(value, turns)}")
        return turns[value]
    if isinstance(value, list):
        return _checked(Turn(tuple(read_step(step, turns) for step in table.tables(key))), table, key)
    return read_turn(table.table(key), turns)


def read_turn(table: Table, turns: dict[str, Turn]) -> Turn:
    """Return a turn written as a table."""
    turn = Turn(
        steps=tuple(read_step(step, turns) for step in table.tables("steps")),
        timeout_s=table.duration("timeout"),
        on_timeout=table.word("on_timeout", TimeoutWay, TimeoutWay.ENDS),
        ends=table.word("ends", Ending, Ending.CLEAN),
        abort=table.word("abort", AbortWay, AbortWay.SETTLES),
    )
    table.done()
    return _checked(turn, table, "steps")


def read_step(table: Table, turns: dict[str, Turn]) -> Step:
    """Return one step; its kind is the one of the keys in `KINDS` and the waits that it has."""
    kinds = [key for key in KINDS if table.has(key)]
    waits = [key for key in _WAITS if table.has(key)]
    if len(kinds) > 1 or len(waits) > 1 or not (kinds or waits):
        given = ", ".join(table.keys()) or "nothing"
        raise table.document.error(
            table.place, f"a step names what it is with one of {', '.join((*KINDS, *_WAITS))}; this one has {given}"
        )
    kind = KINDS[kinds[0]] if kinds else (None if waits == ["wait"] else ActivityKind.TOOL_CALL)
    name = table.text(kinds[0]) if kinds else table.text(waits[0])
    step = _read_waits(table, _read_work(table, kind, "" if waits == ["wait"] and not kinds else name), turns)
    table.done()
    endless = step.hangs or step.result_lost or step.attempts is not None or step.repeats_s is not None
    if not waits and step.takes is None and not endless:
        raise table.document.error(table.place, 'a step needs takes = "...", or hangs = true')
    if step.wait is not None and step.takes is None and not step.hangs:
        raise table.document.error(table.place, 'a wait needs takes = "...", or hangs = true')
    return step


def _read_work(table: Table, kind: ActivityKind | None, name: str) -> Step:
    attempts = table.any("attempts")
    if attempts is not None and attempts != "always" and (isinstance(attempts, bool) or not isinstance(attempts, int)):
        raise table.error("attempts", f'must be a whole number or "always", not {attempts!r}')
    abort = table.word("abort", AbortWay, AbortWay.SETTLES) if table.has("abort") else None
    attempt = table.span("attempt") or (5.0, 5.0)
    if attempt[0] <= 0:
        raise table.error("attempt", "must be longer than 0")
    return Step(
        kind=kind,
        name=name,
        takes=table.span("takes"),
        progress_s=table.interval("progress"),
        touches_s=table.interval("touches"),
        works_s=table.interval("works"),
        hangs=table.flag("hangs"),
        result_lost=table.flag("result_lost"),
        declares_s=table.duration("declares"),
        own_timeout_s=table.duration("own_timeout"),
        abort=abort,
        abort_takes_s=table.duration("abort_takes", 0.0) or 0.0,
        unseen=table.flag("unseen"),
        counted=table.flag("counted", default=True),
        looks_terminal=table.flag("looks_terminal"),
        blocks_loop=table.flag("blocks_loop"),
        attempts=ALWAYS if attempts == "always" else attempts,
        attempt=attempt,
        backoff=table.span("backoff") or (0.0, 0.0),
        hidden_backoff=table.flag("hidden_backoff"),
        repeats_s=table.interval("repeats"),
        times=table.count("times"),
    )


def _read_waits(table: Table, step: Step, turns: dict[str, Turn]) -> Step:
    if table.has("ask"):
        ask = table.as_word("ask", table.any("ask"), WaitKind)
        if ask not in (WaitKind.APPROVAL, WaitKind.QUESTION):
            raise table.error("ask", f"must be approval or question, not {ask.value}")
        return replace(
            step,
            ask=ask,
            delivered=table.tri("delivered", default=True),
            answered_after=table.span("answered_after"),
            deadline_s=table.duration("deadline"),
            on_deadline=table.word("on_deadline", DeadlineWay, DeadlineWay.ENDS),
            answerable=table.flag("answerable", default=True),
            undeclared=table.flag("undeclared"),
        )
    if table.has("awaits"):
        return replace(
            step,
            awaits=table.name("awaits", "sessions"),
            spawns=turn_at(table, "spawns", turns),
            wake=table.flag("wake", default=True),
            child_known=table.flag("child_known", default=True),
            deadline_s=table.duration("deadline"),
            undeclared=table.flag("undeclared"),
        )
    if table.has("wait"):
        return replace(
            step,
            wait=table.as_word("wait", table.any("wait"), WaitKind),
            deadline_s=table.duration("deadline"),
            undeclared=table.flag("undeclared"),
            lane=table.name("lane", "lanes") if table.has("lane") else None,
            waits_for=table.name("waits_for", "sessions") if table.has("waits_for") else None,
        )
    return step


def _checked(turn: Turn, table: Table, key: str) -> Turn:
    if not turn.steps:
        raise table.error(key, "a turn needs at least one step")
    return turn
