"""Everything known of one session, as lines for people."""

from collections.abc import Iterator
from typing import Any

from livewatch.cli.gateway_words import duration
from livewatch.cli.printable import moment
from livewatch.durations import format_duration

_TERMINAL = {"none": "", "item_end": ", an item's end", "turn_end": ", the turn's end"}


def lines(document: dict[str, Any]) -> list[str]:
    """Return the document of ``/v1/session`` as lines: facts first, then the judgement, then what happened lately."""
    verdict, facts = document["verdict"], document["facts"]
    head = f"{document['session']}: {verdict['attention']} / {verdict['reason']} (rule {verdict['rule']})"
    pairs = [*_facts(facts), *_judgement(document)]
    return [head, *(f"  {name:<14}{text}" for name, text in pairs), *_lately(document)]


def _facts(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    id_ = f", id {facts['id']}" if facts["id"] else ""
    generation = "" if facts["generation"] is None else f", generation {facts['generation']}"
    yield "state", f"{facts['state']}{_for(facts['state_age_s'])}{generation}{id_}"
    yield "queue", _queue(facts)
    yield "run", _run(facts)
    if facts["activity"] is not None:
        yield "activity", _activity(facts["activity"])
    elif not facts["activity_known"]:
        yield "activity", "cannot be seen"
    yield "progress", f"{_ago(facts['progress_age_s'])}{_TERMINAL[facts['terminal']]}"
    if facts["repeats"]:
        yield "repeats", f"the same step {facts['repeats']} times{_for(facts['repeating_age_s'])}"
    if facts["wait"] is not None:
        yield "waits for", _wait(facts["wait"])
    yield "store", f"{_presence(facts['in_store'])}; marked as running: {_yes(facts['store_says_running'])}"
    yield "prompt holder", _presence(facts["holder"])


def _queue(facts: dict[str, Any]) -> str:
    if facts["queued"] is None:
        return "cannot be seen"
    oldest = facts["oldest_queued_age_s"]
    since = f", the oldest for {format_duration(oldest)}" if facts["queued"] and oldest is not None else ""
    return f"{facts['queued']} waiting in the {facts['lane_kind']} lane{since}"


def _run(facts: dict[str, Any]) -> str:
    run, owner = facts["run"], facts["owner"]
    if run is None:
        return f"none; live handle: {_presence(owner)}"
    parts = [f"{run['id']}{_for(run['age_s'])}"]
    if run["timeout_s"] is not None:
        parts.append(f"may take {format_duration(run['timeout_s'])}")
    if run["abort_requested_age_s"] is not None:
        parts.append(f"asked to end {_ago(run['abort_requested_age_s'])}")
    return f"{', '.join(parts)}; live handle: {_presence(owner)}"


def _activity(activity: dict[str, Any]) -> str:
    parts = [f"{activity['kind'].replace('_', ' ')} {activity['name']}".strip() + _for(activity["age_s"])]
    if activity["allowance_s"] is not None:
        parts.append(f"may take {format_duration(activity['allowance_s'])}")
    if activity["worked_age_s"] is not None:
        parts.append(f"its processes worked {_ago(activity['worked_age_s'])}")
    parts.append(f"of run {activity['run']}" if activity["run"] else f"owner {activity['owner']}")
    return ", ".join(parts)


def _wait(wait: dict[str, Any]) -> str:
    parts = [wait["kind"].replace("_", " ") + _for(wait["age_s"])]
    if wait["deadline_in_s"] is not None:
        left_s = wait["deadline_in_s"]
        parts.append(f"{format_duration(abs(left_s))} {'left' if left_s >= 0 else 'past its deadline'}")
    parts += [f"{what} {wait[what]}" for what in ("lane", "session") if wait[what]]
    if wait["answer_impossible"]:
        parts.append("nobody can answer")
    return ", ".join(parts)


def _judgement(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    verdict, following = document["verdict"], document["next"]
    yield "judgement", verdict["rule_words"]
    due = following.get("due_in_s")
    held = next((gate for gate in following["gates"] if gate["holds"]), None)
    text = f"{following['action'] or 'nothing'}: {following['why']}"
    text += f", due in {format_duration(due)} if it stays silent" if due else ""
    blocked = f"blocked by {held['gate']}" if held else ""
    told = text if held and text.endswith(blocked) else f"{text}; {blocked}"
    yield "next", f"{told}: {held['detail']}" if held else text
    if document["tried"]:
        yield "tried", ", ".join(f"{item['action']}: {item['outcome']}" for item in document["tried"])
    quarantined = ", quarantined: a person must look" if document["quarantined"] else ""
    if document["repairs"]:
        often = "once" if document["repairs"] == 1 else f"{document['repairs']} times"
        yield "repaired", f"{often} within {format_duration(document['repairs_within_s'])}{quarantined}"
    elif quarantined:
        yield "quarantined", "repairs did not help; a person must look"
    if document["held"]:
        yield "paused", document["held"]


def _lately(document: dict[str, Any]) -> Iterator[str]:
    told = [(change["time"], _label(change)) for change in document["labels"]]
    told += [
        (action["time"], f"{action['action']}: {action['outcome']} after {duration(action['took_s'])}")
        for action in document["actions"]
    ]
    if told:
        yield "  lately (UTC):"
    for wall_s, text in sorted(told):
        yield f"    {moment(wall_s)}  {text}"


def _label(change: dict[str, Any]) -> str:
    if change["attention"] is None:
        return f"gone, was {change['before']}{_for(change['held_s'])}"
    before = f", was {change['before']}{_for(change['held_s'])}" if change["before"] is not None else ""
    return f"{change['attention']} / {change['reason']}{before}"


def _presence(word: str) -> str:
    return {"present": "there", "absent": "not there"}.get(word, "unknown")


def _yes(word: str) -> str:
    return {"present": "yes", "absent": "no"}.get(word, "unknown")


def _for(age_s: float | None) -> str:
    return "" if age_s is None else f" for {format_duration(age_s)}"


def _ago(age_s: float | None) -> str:
    return "unknown" if age_s is None else f"{format_duration(age_s)} ago"
