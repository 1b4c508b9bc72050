"""One picture of the demonstration, as a rich renderable."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from livewatch.demo.demo_state import DemoState
from livewatch.demo.fault_record import FaultRecord
from livewatch_classifiers.decision import Act, Hold
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import Attention, VitalsState

_STYLES = {"none": "dim", "long_running": "cyan", "stalled": "yellow", "stuck": "red", "unresponsive": "magenta"}
_SEVERITY = (Attention.STUCK, Attention.STALLED, Attention.LONG_RUNNING)
_ATTENTION_ROWS = 6
_ACTION_ROWS = 4


def frame(state: DemoState) -> RenderableType:
    """Return the whole picture: head line, checklist of faults, sessions that need attention, last actions."""
    parts: list[RenderableType] = [_head(state), Text(), _checklist(state), Text(), _attention(state)]
    if state.watcher.actions:
        parts += [Text(), _actions(state)]
    return Padding(Group(*parts, Text(), _foot(state)), (1, 2))


def _head(state: DemoState) -> RenderableType:
    line = Table.grid(expand=True)
    line.add_column()
    line.add_column(justify="right")
    left = Text.assemble(("livewatch demo", "bold"), f"   {state.elapsed_s:4.0f} s  ", (state.stage, "italic"))
    line.add_row(left, _vitals(state.watcher.report))
    return line


def _vitals(report: TickReport | None) -> Text:
    if report is None:
        return Text("attaching", "dim")
    state = report.vitals.state
    style = "green" if state is VitalsState.RESPONSIVE else "magenta"
    vitals = report.snapshot.vitals if report.snapshot is not None else None
    delay_s = vitals.loop_delay_max_s if vitals is not None else None
    beat_s = vitals.loop_heartbeat_s if vitals is not None else None
    if vitals is not None and beat_s is not None and state is VitalsState.UNRESPONSIVE:
        delay_s = vitals.now_s - beat_s
    delay = "" if delay_s is None else f"loop delay {_short(delay_s)}  "
    return Text.assemble((delay, "dim"), (state.value, style))


def _checklist(state: DemoState) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
    table.add_column("", width=1)
    table.add_column("fault", width=26, no_wrap=True)
    table.add_column("judged", width=38, no_wrap=True)
    table.add_column("after", justify="right", width=7)
    table.add_column("done", width=13, no_wrap=True)
    table.add_column("over", justify="right", ratio=1, no_wrap=True)
    for record in state.records:
        table.add_row(*_fault_row(record, state.now_s))
    return table


def _fault_row(record: FaultRecord, now_s: float) -> Iterator[RenderableType]:
    if record.injected_s is None:
        yield from (Text("·", "dim"), Text(record.expected.title, "dim"), "", "", "", "")
        return
    finished, detected = record.recovered_s is not None, record.detected_s is not None
    mark = Text("✗", "bold red") if record.problem else Text("✓", "green") if finished else Text("●", "yellow")
    yield mark
    yield Text(record.expected.title)
    attention, reason = (record.attention, record.reason) if detected or finished else record.label
    yield _label(attention, record.culprit or reason)
    yield Text(_short(record.detected_s - record.injected_s) if record.detected_s is not None else "")
    yield Text(_done(record), "dim")
    end_s = record.recovered_s if record.recovered_s is not None else now_s
    yield Text(_short(end_s - record.injected_s), "green" if finished else "dim")


def _done(record: FaultRecord) -> str:
    if record.action != "none":
        return record.action
    return "" if record.expected.repaired else "left alone"


def _attention(state: DemoState) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
    table.add_column("session", width=26, no_wrap=True)
    table.add_column("needs attention", width=39, no_wrap=True)
    table.add_column("silent", justify="right", width=7)
    table.add_column("livewatch", ratio=1, no_wrap=True)
    report = state.watcher.report
    verdicts = _urgent(report) if report is not None else []
    for verdict in verdicts[:_ATTENTION_ROWS]:
        silence = dict(verdict.evidence).get("silence_s")
        silent = _short(silence) if isinstance(silence, (int, float)) else ""
        label = _label(verdict.attention.value, verdict.reason.value)
        table.add_row(Text(verdict.key), label, silent, Text(_intention(report, verdict), "dim"))
    for _ in range(_ATTENTION_ROWS - len(verdicts)):
        table.add_row("")  # a table that keeps its height is quiet
    return table


def _urgent(report: TickReport) -> list[Verdict]:
    """Return the verdicts that need attention, worst first."""
    wanted = [report.verdict(key) for key, verdict in report.verdicts.items() if verdict.attention in _SEVERITY]
    return sorted(wanted, key=lambda verdict: (_SEVERITY.index(verdict.attention), verdict.key))


def _intention(report: TickReport | None, verdict: Verdict) -> str:
    for decision in report.decisions if report is not None else ():
        if isinstance(decision, Act) and decision.action.session == verdict.key:
            return decision.action.kind.value
        if isinstance(decision, Hold) and decision.session == verdict.key:
            return f"{decision.kind.value} held: {decision.gate.value}"
    if verdict.eligible:
        return f"{verdict.remedy.value} sent"
    if verdict.due_in_s is not None:
        return f"{verdict.remedy.value} in {_short(verdict.due_in_s)}"
    return "leaves it alone" if verdict.attention is Attention.LONG_RUNNING else verdict.remedy.value


def _actions(state: DemoState) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
    table.add_column("last actions", ratio=4, no_wrap=True)
    table.add_column("", ratio=3, no_wrap=True)
    table.add_column("", ratio=3, no_wrap=True)
    table.add_column("ago", justify="right", width=7)
    for moment_s, done in list(state.watcher.actions)[-_ACTION_ROWS:]:
        style = "green" if done.outcome.value == "recovered" else "yellow"
        ago = _short(max(0.0, state.now_s - moment_s))
        table.add_row(done.action.session, done.action.kind.value, Text(done.outcome.value, style), Text(ago, "dim"))
    return table


def _foot(state: DemoState) -> Text:
    mistakes = len(state.watcher.false_actions) + len(state.watcher.false_blames)
    return Text.assemble(
        (f"{state.healthy_sessions} healthy sessions, {state.healthy_turns_completed} turns answered, ", "dim"),
        (f"{mistakes} of them disturbed", "bold red" if mistakes else "dim"),
        (f", {state.messages_open} messages on their way", "dim"),
    )


def _label(attention: str, reason: str) -> Text:
    return Text.assemble((attention, _STYLES.get(attention, "")), "  ", (reason, "dim"))


def _short(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
