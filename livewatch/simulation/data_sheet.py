"""The comparison as tables in Markdown: the summary for the README, and the data sheet per fault class."""

from livewatch.durations import format_duration
from livewatch.simulation.score import CLASSES, FaultSheet, MistakeSheet, Score, middle, worst

_HEAD = "| rule set | dead | repaired | told only | never | time to repair, median / worst | false actions | messages lost |"
_LINE = "|---|---|---|---|---|---|---|---|"


def summary_table(scores: list[Score]) -> list[str]:
    """Return one row per rule set."""
    return [_HEAD, _LINE, *(_row(score.rules, score.total, score) for score in scores)]


def class_tables(scores: list[Score]) -> list[str]:
    """Return one table per class of evidence; false actions and lost messages belong to no class."""
    out: list[str] = []
    for name in CLASSES:
        out += [
            f"### Evidence: {name}",
            "",
            _HEAD.replace(" false actions | messages lost |", ""),
            "|---|---|---|---|---|---|",
        ]
        out += [_row(score.rules, score.classes.get(name, FaultSheet()), None) for score in scores]
        out.append("")
    return out


def data_sheet(scores: list[Score], virtual_h: float) -> str:
    """Return the whole document ``docs/data-sheet.md``."""
    faults = sorted({fault for score in scores for fault in score.faults})
    out = [
        "# Data sheet: how good the judgement is",
        "",
        "Written by `livewatch simulate --compare tests/scenarios --data-sheet docs/data-sheet.md`; not edited by hand.",
        f"{scores[0].scenarios if scores else 0} scenarios, {virtual_h:.1f} virtual hours under each rule set, one world",
        "and one seed per scenario for all of them. What each rule set models and leaves out stands in its module",
        "under `livewatch/simulation/rulesets/`. The scenarios are public reports, chosen because somebody's watchdog got",
        "them wrong: their share says nothing about how often a fault happens. The number of dead differs between rule",
        "sets because what one of them leaves dead cannot die again, and what it restarts or aborts can.",
        "",
        "*Detection time* runs from the moment from which a session is really dead (its last real progress) to the",
        "first label `stalled` or `stuck`; *mistake recurrence* is the number of session-hours per wrong label;",
        "*mistake duration* is how long a wrong label lasts (Chen, Toueg, Aguilera 2002). Repairs count whoever brings",
        "them about, an operator's or the gateway's own included; `told only` is a person told in time, nothing else.",
        "",
        "## Summary",
        "",
        *summary_table(scores),
        "",
        "## By class of evidence",
        "",
        *class_tables(scores),
        "## Mistakes",
        "",
        "| rule set | wrong labels | session-hours per wrong label | mistake duration, median / worst | healthy runs killed |",
        "|---|---|---|---|---|",
        *(_mistakes(score) for score in scores),
        "",
        "Per failure kind of the scenarios (a scenario may be of several): wrong labels, session-hours per wrong label,",
        "median duration; `-` where there was none. Kinds without a wrong label under any rule set are left out.",
        "",
        f"| failure kind | {' | '.join(score.rules for score in scores)} |",
        f"|---|{'---|' * len(scores)}",
        *(f"| {kind} | {' | '.join(_kind(score.kinds[kind]) for score in scores)} |" for kind in _mistaken(scores)),
        "",
        "## Detection time per fault class, median / worst (detected of dead)",
        "",
        f"| fault | {' | '.join(score.rules for score in scores)} |",
        f"|---|{'---|' * len(scores)}",
        *(f"| {fault} | {' | '.join(_detection(score.faults.get(fault)) for score in scores)} |" for fault in faults),
        "",
        "## Time to repair per fault class, median / worst (repaired of dead)",
        "",
        f"| fault | {' | '.join(score.rules for score in scores)} |",
        f"|---|{'---|' * len(scores)}",
        *(f"| {fault} | {' | '.join(_repair(score.faults.get(fault)) for score in scores)} |" for fault in faults),
        "",
    ]
    return "\n".join(out)


def _row(rules: str, sheet: FaultSheet, score: Score | None) -> str:
    never = sheet.deaths - sheet.repaired - sheet.told
    cells = [rules, sheet.deaths, sheet.repaired, sheet.told, never, _pair(sheet.repair_s)]
    if score is not None:
        cells += [score.false_actions, score.lost]
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _mistakes(score: Score) -> str:
    recurrence_h = score.mistakes.recurrence_h
    often = "none" if recurrence_h is None else f"{recurrence_h:.1f}"
    return f"| {score.rules} | {len(score.mistakes.mistakes_s)} | {often} | {_pair(score.mistakes.mistakes_s)} | {score.killed} |"


def _mistaken(scores: list[Score]) -> list[str]:
    return sorted({kind for score in scores for kind, sheet in score.kinds.items() if sheet.mistakes_s})


def _kind(sheet: MistakeSheet) -> str:
    middle_s, recurrence_h = middle(sheet.mistakes_s), sheet.recurrence_h
    if middle_s is None or recurrence_h is None:
        return "-"
    return f"{len(sheet.mistakes_s)}, {recurrence_h:.1f} h, {format_duration(middle_s)}"


def _detection(sheet: FaultSheet | None) -> str:
    if sheet is None:
        return "-"
    return f"{_pair(sheet.detection_s)} ({sheet.detected}/{sheet.deaths})"


def _repair(sheet: FaultSheet | None) -> str:
    if sheet is None:
        return "-"
    return f"{_pair(sheet.repair_s)} ({sheet.repaired}/{sheet.deaths})"


def _pair(values: list[float]) -> str:
    middle_s, worst_s = middle(values), worst(values)
    if middle_s is None or worst_s is None:
        return "-"
    return f"{format_duration(middle_s)} / {format_duration(worst_s)}"
