"""Recorded rounds as lines: the first of a file tells everything, every later one only what changed. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any, TypeVar, cast

import msgspec

from livewatch.recording import RecordingError, check_wall, compact
from livewatch.recordings.changes import Document, apply, change
from livewatch.recordings.entry import Entry, Said
from livewatch.recovery.memory import Memory
from livewatch.recovery.rounds import Circumstances, Moment, Round, SentByHand
from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import Act, Action, Completed
from livewatch_classifiers.model import GatewayIdentity, Lane, Session, Snapshot, Vitals
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.verdict import Verdict, VitalsVerdict
from livewatch_classifiers.vocabulary import Attention, Reason, VitalsState

_LOOK = ("vitals", "sessions", "lanes", "identity", "counters")
LINES_VERSION = 2
"""Of the file's format; 1 is the format of single looks, `livewatch.recording.Frame`."""
_T = TypeVar("_T")
_NO_VERDICT = Verdict("", Attention.NONE, Reason.ACTIVE, "")


@dataclass(frozen=True, slots=True)
class Remembered:
    """What an agent knew between two rounds."""

    memory: Memory = field(default_factory=Memory)
    vitals: VitalsVerdict | None = None


class LineWriter:
    """Turns moments into lines. Each file begins with `head`, after which lines build on each other."""

    def __init__(self) -> None:
        self._told: Document = {}
        self._sessions: dict[str, tuple[Session, Document]] = {}

    def head(self) -> None:
        """Begin a new file: the next line tells everything."""
        self._told = {}

    def line(self, moment: Moment, before: Remembered, *, missing: int = 0) -> bytes:
        """Return one line with its line end.

        Args:
            moment: the round.
            before: what the agent knew before it; written where a reader could not know it from the lines before.
            missing: how many rounds before it could not be recorded.
        """
        first = not self._told
        state = self._state(moment)
        once: Document = {"w": moment.round.wall_s}
        if first:
            once |= {"v": LINES_VERSION, "target": moment.report.target}
        if missing:
            once["missing"] = missing
        if (first or missing) and not moment.round.began:
            once |= {"memory_before": _plain(before.memory)}
            if before.vitals is not None:
                once["vitals_before"] = _plain(before.vitals)
        once |= _once(moment.round)
        changed = change(self._told, state)
        self._told = state
        return msgspec.json.encode(once | ({"d": changed} if changed else {})) + b"\n"

    def _state(self, moment: Moment) -> Document:
        said = Said.of(moment)
        snapshot = moment.round.snapshot
        looked = self._look(snapshot) if snapshot is not None else self._look_before()
        labels: Mapping[str, str] = said.labels if snapshot is not None else self._told.get("labels", {})
        return {
            **looked,
            "labels": dict(labels),
            "holds": dict(said.holds),
            "state": said.state.value if said.state is not None else None,
            "around": _plain(moment.round.circumstances),
            "thresholds": _whole(moment.thresholds),
            "policy": _without_arguments(_whole(moment.policy)),
        }

    def _look_before(self) -> Document:
        return {name: self._told[name] for name in _LOOK if name in self._told}

    def _look(self, snapshot: Snapshot) -> Document:
        sessions: dict[str, tuple[Session, Document]] = {}
        for key, session in snapshot.sessions.items():
            known = self._sessions.get(key)
            sessions[key] = known if known is not None and known[0] is session else (session, _plain(session))
        self._sessions = sessions
        look: Document = {
            "vitals": _plain(snapshot.vitals),
            "sessions": {key: document for key, (_session, document) in sessions.items()},
            "lanes": {name: _plain(lane) for name, lane in snapshot.lanes.items()},
            "counters": dict(snapshot.counters),
        }
        if snapshot.identity is not None:
            look["identity"] = _plain(snapshot.identity)
        return look


@dataclass(slots=True)
class _Kept:
    """Facts of the line before, so that what did not change is not read again."""

    document: Document = field(default_factory=dict[str, Any])
    value: Any = None


class LineReader:
    """Turns the lines of one file back into entries."""

    def __init__(self) -> None:
        self._told: Document = {}
        self._target = ""
        self._kept: dict[str, _Kept] = {}
        self._sessions: dict[str, tuple[Document, Session]] = {}

    def entry(self, line: bytes) -> Entry:
        """Return the round of one line.

        Raises:
            RecordingError: when the line is damaged, written by a newer version, or does not fit the lines before it.
        """
        try:
            document = msgspec.json.decode(line, type=dict[str, Any])
            return self._entry(document)
        except (msgspec.MsgspecError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            if isinstance(error, RecordingError):
                raise
            missing = isinstance(error, KeyError)
            raise RecordingError(f"not a recorded round: {f'it lacks {error}' if missing else error}") from error

    def _entry(self, once: Document) -> Entry:
        version = once.get("v", LINES_VERSION)
        if version > LINES_VERSION:
            raise RecordingError(f"recorded in format {version}; this version reads up to {LINES_VERSION}")
        if "v" in once:
            self._told, self._target = {}, str(once["target"])
        elif not self._told:
            raise RecordingError("the file does not begin with a whole round")
        self._told = apply(self._told, once.get("d", {}))
        blind: Document | None = once.get("blind")
        snapshot = self._snapshot() if blind is None else None
        taken = Round(
            now_s=snapshot.vitals.now_s if snapshot is not None else float(blind["now_s"] if blind else 0.0),
            wall_s=check_wall(float(once["w"])),
            snapshot=snapshot,
            gone=bool(blind and blind["gone"]),
            circumstances=self._part("around", Circumstances),
            completed=msgspec.convert(once.get("completed", []), tuple[Completed, ...]),
            acts=tuple(Act(action, _NO_VERDICT) for action in self._acts(once)),
            by_hand=msgspec.convert(once.get("by_hand", []), tuple[SentByHand, ...]),
            taken_up=_maybe(once.get("taken_up"), Memory),
            began=bool(once.get("began")),
        )
        said = Said(
            state=VitalsState(self._told["state"]) if self._told["state"] is not None else None,
            labels=self._part("labels", dict[str, str]) if snapshot is not None else {},
            holds=self._part("holds", dict[str, str]),
            acts=self._acts(once),
        )
        return Entry(
            target=self._target,
            round=taken,
            said=said,
            thresholds=self._part("thresholds", Thresholds),
            policy=self._part("policy", Policy),
            memory_before=_maybe(once.get("memory_before"), Memory),
            vitals_before=_maybe(once.get("vitals_before"), VitalsVerdict),
            missing=int(once.get("missing", 0)),
        )

    @staticmethod
    def _acts(once: Document) -> tuple[Action, ...]:
        return msgspec.convert(once.get("acts", []), tuple[Action, ...])

    def _snapshot(self) -> Snapshot:
        told: dict[str, Document] = self._told["sessions"]
        sessions: dict[str, tuple[Document, Session]] = {}
        for key, document in told.items():
            known = self._sessions.get(key)
            fresh = known is None or known[0] is not document
            sessions[key] = (document, msgspec.convert(document, Session)) if fresh or known is None else known
        self._sessions = sessions
        return Snapshot(
            vitals=self._part("vitals", Vitals),
            sessions={key: session for key, (_document, session) in sessions.items()},
            lanes=self._part("lanes", dict[str, Lane]),
            identity=self._part("identity", GatewayIdentity) if "identity" in self._told else None,
            counters=self._told["counters"],
        )

    def _part(self, name: str, kind: Any) -> Any:
        """Return one part of what is told now; one that did not change is the same object as before."""
        document = self._told[name]
        kept = self._kept.get(name)
        if kept is None or kept.document is not document:
            kept = self._kept[name] = _Kept(document, msgspec.convert(document, kind))
        return kept.value


def _once(taken: Round) -> Document:
    """Return what is true of this round alone."""
    told: Document = {
        "acts": [_plain(act.action) for act in taken.acts],
        "completed": [_plain(done) for done in taken.completed],
        "by_hand": [_plain(sent) for sent in taken.by_hand],
        "taken_up": None if taken.taken_up is None else _plain(taken.taken_up),
        "began": taken.began,
        "blind": None if taken.snapshot is not None else {"now_s": taken.now_s, "gone": taken.gone},
    }
    return {name: value for name, value in told.items() if value}


def _maybe(document: Document | None, kind: type[_T]) -> _T | None:
    return None if document is None else msgspec.convert(document, kind)


def _plain(value: object) -> Any:
    """Return a frozen fact as JSON-ready tables without default values."""
    return _finite(msgspec.to_builtins(compact(value), str_keys=True))


def _without_arguments(policy: Document) -> Document:
    """Return the policy with the restart command's program only: its arguments may be nobody else's business."""
    return policy | {"restart_command": policy["restart_command"][:1]}


def _whole(settings: Any) -> Document:
    """Return settings with their default values too: those of a later version may be others."""
    return {item.name: _plain(getattr(settings, item.name)) for item in fields(settings)}


def _finite(value: Any) -> Any:
    """Leave out what JSON cannot tell; it is read back as its default."""
    if not isinstance(value, dict):
        return value
    table = cast("Document", value)
    return {k: _finite(v) for k, v in table.items() if not isinstance(v, float) or isfinite(v)}
