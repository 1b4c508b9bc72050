"""One run of an OpenClaw session, as its events tell it. Pure: no clock, no I/O."""

from dataclasses import dataclass, field
from typing import Any

from livewatch.sources.openclaw.history import Step
from livewatch.sources.openclaw.repetition import Repetition, outcome_class, step_digest
from livewatch.sources.openclaw.shapes import number, table
from livewatch_classifiers.model import Activity, Run, Wait
from livewatch_classifiers.vocabulary import ActivityKind, Presence, WaitKind

_PREPARING = ("preparing_workspace", "preparing_context")
_WAITING = "waiting-"
_BACKOFF_MARGIN_S = 5.0
_NAME = 200
_TEXT_STREAMS = ("assistant", "thinking", "reasoning", "plan", "compaction")


@dataclass(slots=True)
class _Tool:
    name: str
    since_s: float
    digest: str = ""
    allowance_s: float | None = None


@dataclass(slots=True)
class RunState:
    """What is known of a run; every ``*_s`` is a moment of the observer's monotonic clock."""

    id: str
    first_s: float
    last_ts: int = 0
    """The gateway's own time of its latest event, in Unix milliseconds; orders events, never makes ages."""
    heartbeat: bool = False
    mark: str = ""
    """For a run that was only read (`history`): how far it had come at the latest read. Empty once it was heard."""
    confirmed: bool = True
    """False for a run that was read once only: nobody knows yet whether it moves."""
    abort_requested_s: float | None = None
    """When it was asked to end, by whomever, and has not settled since."""
    overdue: bool = False
    """Whether it should have settled since: the gateway's own grace is over."""
    model: str = ""
    """Provider and model of the current call: ``provider/model``."""
    progress_s: float | None = None
    started_s: float | None = None
    kind: ActivityKind = ActivityKind.PREPARATION
    since_s: float | None = None
    retry: Wait | None = None
    asked: Wait | None = None
    """It waits for a person's answer; every step after that ends it."""
    repetition: Repetition = field(default_factory=Repetition)
    _tools: dict[str, _Tool] = field(default_factory=dict[str, _Tool])
    _phases: set[str] = field(default_factory=set[str])

    @property
    def activity(self) -> Activity:
        """What it does now; the oldest open tool call where several run at once."""
        if self._tools:
            tool = min(self._tools.values(), key=lambda tool: tool.since_s)
            return Activity(
                ActivityKind.TOOL_CALL,
                Presence.PRESENT,
                self.id,
                since_s=tool.since_s,
                name=tool.name,
                allowance_s=tool.allowance_s,
            )
        name = self.model if self.kind is ActivityKind.MODEL_CALL else ""
        return Activity(self.kind, Presence.PRESENT, self.id, since_s=self.since_s, name=name)

    @property
    def settles(self) -> bool:
        """Whether it was asked to end and may still do so."""
        return self.abort_requested_s is not None and not self.overdue

    @property
    def run(self) -> Run:
        """Its identity."""
        return Run(
            self.id,
            started_s=self.started_s or self.first_s,
            handle=self.id,
            abort_requested_s=self.abort_requested_s,
        )

    def read(self, steps: tuple[Step, ...], at_s: float) -> None:
        """Take in the steps that a cold read shows. They are seen now; when they were said is not known."""
        for step in steps:
            if step.stream == "tool":
                self.on_tool(step.data, at_s)
            elif not (step.stream == "lifecycle" and step.data.get("phase") in ("end", "error")):
                self.on_stream(step.stream, step.data, at_s)

    def on_stream(self, stream: str, data: dict[str, Any], at_s: float) -> bool:
        """Take in one `agent` event of this run; return whether the run is over with it."""
        if stream == "run_status":
            self._status(data, at_s)
        elif stream == "lifecycle":
            return self._lifecycle(data, at_s)
        elif stream in _TEXT_STREAMS:
            if data.get("delta") or data.get("phase"):
                self._new(at_s)
        elif stream == "command_output":
            if data.get("output") and data.get("phase") != "end":
                self._new(at_s)
        elif stream == "item" and data.get("kind") == "tool":
            self._item(data, at_s)
        return False

    def on_tool(self, data: dict[str, Any], at_s: float) -> None:
        """Take in one `session.tool` event: only these carry the arguments and the outcome."""
        identity, phase = str(data.get("toolCallId")), data.get("phase")
        if phase == "start":
            tool = self._open(identity, str(data.get("name", "")), at_s)
            tool.digest = step_digest(tool.name, data.get("args"))
            tool.allowance_s = _allowance_s(data.get("args"))
        elif phase == "update":
            if data.get("partialResult") or data.get("output"):
                self._new(at_s)
        elif phase in ("result", "end", "error"):
            if self.asked is not None:
                self.asked, self.progress_s = None, at_s  # somebody answered
            tool = self._open(identity, str(data.get("name", "")), at_s)
            if self.repetition.step(tool.digest or tool.name, outcome_class(data), at_s):
                self.progress_s = at_s
            self._close(identity, at_s)

    def _status(self, data: dict[str, Any], at_s: float) -> None:
        phase = str(data.get("phase"))
        if phase == "retrying":
            delay_s = _seconds(data.get("delayMs"), 1e-3) or 0.0
            attempt = data.get("retryAttempt")
            self.retry = Wait(
                WaitKind.PROVIDER_BACKOFF,
                since_s=at_s,
                deadline_s=at_s + delay_s + _BACKOFF_MARGIN_S,
                attempts_without_yield=attempt if isinstance(attempt, int) else 0,
            )
            return
        kind = ActivityKind.MODEL_CALL if phase == "starting_model" else ActivityKind.PREPARATION
        if phase in (*_PREPARING, "starting_model"):
            self._turn_to(kind, at_s)
            self.retry = None
        self._first(phase, at_s)

    def _lifecycle(self, data: dict[str, Any], at_s: float) -> bool:
        phase = str(data.get("phase"))
        if phase.startswith(_WAITING):
            kind = WaitKind.APPROVAL if phase.endswith("approval") else WaitKind.QUESTION
            # Said only where a client that can show it to a person is connected; without one the tool is refused.
            self.asked = Wait(kind, since_s=at_s, delivered=Presence.PRESENT)
            return False
        self.asked = None
        if phase == "end" and _only_accepted(data) and self.abort_requested_s is None:
            self.abort_requested_s = at_s
        if phase == "start":
            self.started_s = self.started_s or at_s
        elif phase == "model" and data.get("provider") is not None and not self._tools:
            self.model = model_name(data)
            self._turn_to(ActivityKind.MODEL_CALL, self.since_s if self.kind is ActivityKind.MODEL_CALL else at_s)
        elif phase == "model" and self.abort_requested_s is None:
            self._turn_to(ActivityKind.EMBEDDED_RUN, at_s)
        if phase == "finishing" and not data.get("error"):
            self._new(at_s)
        if self.abort_requested_s is None:
            self._first(f"lifecycle.{phase}", at_s)  # what a run says because it is to end is no progress
        if phase == "end" and _only_accepted(data):
            return False
        return phase in ("end", "error")

    def _item(self, data: dict[str, Any], at_s: float) -> None:
        identity = str(data.get("toolCallId"))
        if data.get("phase") == "start":
            self._open(identity, str(data.get("name", "")), at_s)
        elif data.get("phase") == "end":
            self._close(identity, at_s)

    def _open(self, identity: str, name: str, at_s: float) -> _Tool:
        self.retry = None
        return self._tools.setdefault(identity, _Tool(name, at_s))

    def _close(self, identity: str, at_s: float) -> None:
        self._tools.pop(identity, None)
        if not self._tools:
            self._turn_to(ActivityKind.MODEL_CALL, at_s)  # the tool's answer goes to the model next

    def _turn_to(self, kind: ActivityKind, since_s: float | None) -> None:
        self.kind, self.since_s = kind, since_s

    def _first(self, step: str, at_s: float) -> None:
        """A protocol step counts as progress the first time only: a retry goes through the same steps again."""
        if step not in self._phases:
            self._phases.add(step)
            self.progress_s = at_s

    def _new(self, at_s: float) -> None:
        self.progress_s = at_s
        self.repetition.new()
        self.retry = self.asked = None


def _only_accepted(data: dict[str, Any]) -> bool:
    """Return whether an ``end`` says that an abort was accepted; that the work ended, `executionSettled` says later.

    0.2 s later for a hung call, 30 s for a turn that does not obey (recorded, 2026.9.6).
    """
    return data.get("aborted") is True and data.get("executionSettled") is not True


def model_name(data: dict[str, Any]) -> str:
    """Return ``provider/model`` of a `lifecycle model` event, bounded; empty where it does not say."""
    parts = [part for part in (data.get("provider"), data.get("model")) if isinstance(part, str) and part]
    return "/".join(parts)[:_NAME]


def _allowance_s(arguments: object) -> float | None:
    """Return the time that the call itself declared."""
    known = table(arguments)
    return _seconds(known.get("timeoutSeconds"), 1.0) or _seconds(known.get("timeoutMs"), 1e-3)


def _seconds(value: object, scale: float) -> float | None:
    found = number(value)
    return None if found is None or found <= 0 else found * scale
