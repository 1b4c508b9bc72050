"""`Traces`: one trace per recovery, detect → decide → act → verify, written when its outcome was seen."""

from dataclasses import dataclass

from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import INVALID_SPAN, Link, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from livewatch_classifiers.decision import Act, Completed
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import Attention, Outcome
from livewatch_exporters.session_ids import SessionNames, keys_in
from livewatch_exporters.trace_context import parse_traceparent

Value = str | int | float | bool
_WELL = (Outcome.RECOVERED, Outcome.SUPERSEDED)


class PlannedIds(IdGenerator):
    """Random ids, but for those that were promised to the gateway before their span was written."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self.trace_id: int | None = None
        self.span_id: int | None = None

    def generate_trace_id(self) -> int:
        """Return the promised trace id once, else a random one."""
        planned, self.trace_id = self.trace_id, None
        return self._random.generate_trace_id() if planned is None else planned

    def generate_span_id(self) -> int:
        """Return the promised span id once, else a random one."""
        planned, self.span_id = self.span_id, None
        return self._random.generate_span_id() if planned is None else planned


@dataclass(frozen=True, slots=True)
class _Decided:
    act: Act
    sick_since_s: float
    run_traceparent: str | None


class Traces:
    """A `TickListener`. Spans get their true times although they are written at the end."""

    def __init__(self, tracer: Tracer, ids: PlannedIds, names: SessionNames) -> None:
        self._tracer = tracer
        self._ids = ids
        self._names = names
        self._sick_since_s: dict[str, float] = {}
        self._decided: dict[str, _Decided] = {}

    def on_tick(self, report: TickReport) -> None:
        """Note what began, and write the traces of what ended."""
        for decision in report.decisions:  # before transitions: what is decided now was sick before
            if isinstance(decision, Act):
                self._note(decision, report)
        for done in report.completed:
            self._write(done, report)
        for change in report.transitions:
            if change.after is None or change.after.attention is Attention.NONE:
                self._sick_since_s.pop(change.key, None)
            else:
                self._sick_since_s.setdefault(change.key, report.now_s)

    def _note(self, act: Act, report: TickReport) -> None:
        session = report.snapshot.sessions.get(act.action.session) if report.snapshot is not None else None
        run = session.run if session is not None else None
        since_s = self._sick_since_s.get(act.action.session, report.now_s)
        traceparent = run.traceparent if run is not None else None
        self._decided[act.action.idempotency_key] = _Decided(act, since_s, traceparent)

    def _write(self, done: Completed, report: TickReport) -> None:
        """Write one trace; the span that acts has the id that went to the gateway with the action."""
        decided = self._decided.pop(done.action.idempotency_key, None)
        began_s = min(decided.sick_since_s, done.decided_s) if decided is not None else done.decided_s
        offset_s = report.wall_s - report.now_s
        told = parse_traceparent(done.action.traceparent)
        stuck_run = parse_traceparent(decided.run_traceparent) if decided is not None else None

        def at(moment_s: float) -> int:
            return int((moment_s + offset_s) * 1e9)

        keys = keys_in(done.action.session, dict(done.verdict.evidence))

        def told_text(value: Value) -> Value:
            return self._names.without_keys(value, keys) if isinstance(value, str) else value

        self._ids.trace_id = told.trace_id if told is not None else None
        about = self._about(done, report.target)
        root = self._tracer.start_span(
            f"livewatch.recovery {done.action.kind.value}",
            context=set_span_in_context(INVALID_SPAN),
            attributes=about,
            links=[Link(stuck_run, {"livewatch.link": "run"})] if stuck_run is not None else None,
            start_time=at(began_s),
        )
        below = set_span_in_context(root)
        steps: list[tuple[str, float, float, dict[str, Value]]] = [
            ("detect", began_s, done.decided_s, {n: told_text(value) for n, value in _evidence(done.verdict).items()}),
            ("decide", done.decided_s, done.decided_s, {"livewatch.cause": told_text(done.action.cause)}),
            ("act", done.decided_s, done.sent_s, {n: told_text(value) for n, value in _answer(done).items()}),
            ("verify", done.sent_s, done.observed_s, {"livewatch.recovery.outcome": done.outcome.value}),
        ]
        for name, start_s, end_s, attributes in steps:
            acts = name == "act"
            self._ids.span_id = told.span_id if acts and told is not None else None
            kind = SpanKind.CLIENT if acts else SpanKind.INTERNAL
            span = self._tracer.start_span(f"livewatch.{name}", below, kind, attributes, start_time=at(start_s))
            span.end(at(max(start_s, end_s)))
        if done.outcome not in _WELL:
            root.set_attribute("error.type", done.outcome.value)
            root.set_status(Status(StatusCode.ERROR, str(told_text(done.detail or done.reply.detail))))
        root.end(at(max(began_s, done.observed_s)))

    def _about(self, done: Completed, target: str) -> dict[str, Value]:
        verdict = done.verdict
        return {
            "livewatch.target.name": target,
            "livewatch.recovery.action": done.action.kind.value,
            "livewatch.recovery.outcome": done.outcome.value,
            "livewatch.session.attention": verdict.attention.value,
            "livewatch.session.reason": verdict.reason.value,
            **self._names.attributes(done.action.session),
        }


def _evidence(verdict: Verdict) -> dict[str, Value]:
    facts: dict[str, Value] = {f"livewatch.evidence.{name}": value for name, value in verdict.evidence}
    return facts | {
        "livewatch.rule": verdict.rule,
        "livewatch.evidence_class": verdict.evidence_class.value,
        "livewatch.session.attention": verdict.attention.value,
        "livewatch.session.reason": verdict.reason.value,
    }


def _answer(done: Completed) -> dict[str, Value]:
    told: dict[str, Value] = {"livewatch.reply.status": done.reply.status.value}
    if done.reply.released is not None:
        told["livewatch.reply.released"] = done.reply.released
    if done.reply.detail:
        told["livewatch.reply.detail"] = done.reply.detail
    return told
