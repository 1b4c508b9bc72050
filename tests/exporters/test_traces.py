"""Recoveries as traces: true times, evidence, the id that the gateway was told, a link to the run that was stuck."""

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from livewatch_classifiers.decision import Act, Action, Completed, Reply, ReplyStatus
from livewatch_classifiers.model import Run, Session
from livewatch_classifiers.report import TickReport, Transition
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import ActionKind, Attention, Outcome, Reason
from livewatch_exporters.session_ids import SessionIds, SessionNames
from livewatch_exporters.trace_context import parse_traceparent, traceparent_of
from livewatch_exporters.traces import PlannedIds, Traces

MakeReport = Callable[..., TickReport]
RUN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
KEY = "agent:main:someone@example.org"
VERDICT = Verdict(
    KEY, Attention.STUCK, Reason.ZOMBIE_RUN, "5", evidence=(("silence_s", 31.5), ("activity", "tool_call"))
)
ACTION = Action(
    ActionKind.ABORT_RUN, KEY, "k1", "silent tool call", Reason.ZOMBIE_RUN, traceparent=traceparent_of("k1")
)


class Bench:
    def __init__(self, mode: SessionIds = SessionIds.HASH) -> None:
        ids = PlannedIds()
        self._seen = InMemorySpanExporter()
        provider = TracerProvider(id_generator=ids, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._seen))
        self.traces = Traces(provider.get_tracer("test"), ids, SessionNames(mode, "secret"))

    def recover(self, make_report: MakeReport, outcome: Outcome = Outcome.RECOVERED, action: Action = ACTION) -> None:
        session = Session(KEY, run=Run("r1", traceparent=RUN))
        reply = Reply(ReplyStatus.DONE, "aborted", released=1)
        done = Completed(action, VERDICT, reply, outcome, 110.0, 111.5, 114.0)
        self.traces.on_tick(make_report(100.0, transitions=(Transition(KEY, None, VERDICT),)))
        self.traces.on_tick(make_report(110.0, sessions={KEY: session}, decisions=(Act(action, VERDICT),)))
        assert self.spans() == {}
        self.traces.on_tick(make_report(114.0, completed=(done,)))

    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self._seen.get_finished_spans()}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def times(span: ReadableSpan) -> tuple[float, float]:
    assert span.start_time is not None
    assert span.end_time is not None
    return span.start_time / 1e9 - 1_800_000_000, span.end_time / 1e9 - 1_800_000_000


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_recovery_is_one_trace_of_four_steps_with_their_true_times(bench: Bench, make_report: MakeReport) -> None:
    bench.recover(make_report)
    spans = bench.spans()
    assert {name: times(span) for name, span in spans.items()} == {
        "livewatch.recovery abort_run": (100.0, 114.0),
        "livewatch.detect": (100.0, 110.0),
        "livewatch.decide": (110.0, 110.0),
        "livewatch.act": (110.0, 111.5),
        "livewatch.verify": (111.5, 114.0),
    }
    root = spans.pop("livewatch.recovery abort_run")
    assert root.parent is None
    assert root.context is not None
    for span in spans.values():
        assert span.parent is not None
        assert span.context is not None
        assert span.parent.span_id == root.context.span_id
        assert span.context.trace_id == root.context.trace_id
    assert spans["livewatch.act"].kind is SpanKind.CLIENT


def test_the_step_that_acts_is_the_one_that_the_gateway_was_told(bench: Bench, make_report: MakeReport) -> None:
    bench.recover(make_report)
    told = parse_traceparent(ACTION.traceparent)
    acts = bench.spans()["livewatch.act"].context
    assert told is not None
    assert acts is not None
    assert (acts.trace_id, acts.span_id) == (told.trace_id, told.span_id)
    ids = {span.context.span_id for span in bench.spans().values() if span.context is not None}
    assert len(ids) == 5


def test_the_evidence_the_answer_and_the_outcome_are_attributes(bench: Bench, make_report: MakeReport) -> None:
    bench.recover(make_report)
    spans = bench.spans()
    assert attributes(spans["livewatch.detect"])["livewatch.evidence.silence_s"] == 31.5
    assert attributes(spans["livewatch.detect"])["livewatch.rule"] == "5"
    assert attributes(spans["livewatch.decide"]) == {"livewatch.cause": "silent tool call"}
    assert attributes(spans["livewatch.act"]) == {
        "livewatch.reply.status": "done",
        "livewatch.reply.released": 1,
        "livewatch.reply.detail": "aborted",
    }
    assert attributes(spans["livewatch.verify"]) == {"livewatch.recovery.outcome": "recovered"}


def test_the_run_that_was_stuck_is_linked_and_not_a_parent(bench: Bench, make_report: MakeReport) -> None:
    bench.recover(make_report)
    root = bench.spans()["livewatch.recovery abort_run"]
    run = parse_traceparent(RUN)
    assert run is not None
    assert root.context is not None
    assert [link.context.span_id for link in root.links] == [run.span_id]
    assert root.context.trace_id != run.trace_id


@pytest.mark.parametrize(
    ("outcome", "error"),
    [(Outcome.RECOVERED, None), (Outcome.SUPERSEDED, None), (Outcome.INEFFECTIVE, "ineffective")],
)
def test_an_action_that_did_not_help_is_an_error(
    bench: Bench, make_report: MakeReport, outcome: Outcome, error: str | None
) -> None:
    bench.recover(make_report, outcome)
    root = bench.spans()["livewatch.recovery abort_run"]
    assert attributes(root).get("error.type") == error
    assert root.status.status_code is (StatusCode.ERROR if error else StatusCode.UNSET)


@pytest.mark.parametrize(
    ("mode", "named"), [(SessionIds.HASH, False), (SessionIds.RAW, True), (SessionIds.NONE, False)]
)
def test_a_session_is_named_only_as_the_operator_wants(
    make_report: MakeReport, mode: SessionIds, *, named: bool
) -> None:
    bench = Bench(mode)
    bench.recover(make_report)
    root = attributes(bench.spans()["livewatch.recovery abort_run"])
    assert (root.get("livewatch.session.key") == KEY) is named
    assert ("livewatch.session.hash" in root) is (mode is SessionIds.HASH)
    assert named or KEY not in str([attributes(span) for span in bench.spans().values()])


def test_an_outcome_without_a_known_decision_is_still_a_trace(bench: Bench, make_report: MakeReport) -> None:
    done = Completed(ACTION, VERDICT, Reply(ReplyStatus.TIMED_OUT), Outcome.TIMED_OUT, 10.0, 12.0, 13.0)
    bench.traces.on_tick(make_report(13.0, completed=(done,)))
    assert times(bench.spans()["livewatch.recovery abort_run"]) == (10.0, 13.0)


def test_a_context_is_the_same_for_the_same_action_and_no_other() -> None:
    assert traceparent_of("a") == traceparent_of("a") != traceparent_of("b")
    assert parse_traceparent(traceparent_of("a")) is not None


@pytest.mark.parametrize(
    "text", [None, "", "x", RUN.upper(), RUN[:-3], "00-" + "0" * 32 + "-b7ad6b7169203331-01", RUN.replace("-", "_")]
)
def test_what_is_no_context_is_none(text: str | None) -> None:
    assert parse_traceparent(text) is None
