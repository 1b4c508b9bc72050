"""The session tracker: events of the gateway in, sessions out. Pure: no clock, no I/O; recorded frames test it."""

from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from livewatch.sources.openclaw.history import read_history
from livewatch.sources.openclaw.shapes import number, table
from livewatch.sources.openclaw.tracked import Tracked
from livewatch_classifiers.model import Lane, Session, Wait
from livewatch_classifiers.vocabulary import LaneKind, Presence, WaitKind

_MAX_SESSIONS = 20_000
_WAITS = {"exec.approval": WaitKind.APPROVAL, "plugin.approval": WaitKind.APPROVAL, "question": WaitKind.QUESTION}
_BEGINNINGS = ("preparing_workspace", "preparing_context", "start")
_LANES = {kind.value: kind for kind in LaneKind}
_DROPS = {"requests-in-flight": "run_active", "lane-busy": "lane_busy", "disabled": "disabled"}
_IGNORED = frozenset(("tick", "presence", "health", "session.message", "chat.metadata.changed", "session.approval"))


class Tracker:
    """Feed it every event, in order, with the monotonic moment at which it came."""

    def __init__(self) -> None:
        self.lanes: Mapping[str, Lane] = MappingProxyType({})
        self.draining = False
        self.ignored: Counter[str] = Counter()
        """Events that this version does not know, by name."""
        self.dropped: Counter[str] = Counter()
        """Heartbeats that the gateway skipped, by the reasons that livewatch counts."""
        self.overflowed = 0
        """Sessions beyond what is tracked."""
        self._sessions: dict[str, Tracked] = {}
        self._gateway_ms: tuple[float, float] | None = None
        """The gateway's Unix time in milliseconds, and the monotonic moment at which it said so."""
        self._waiting_in_session_lanes = 0
        self._missed = False
        """Whether events were missed since the latest list."""
        self._takes: Mapping[str, Callable[[dict[str, Any], float], None]] = {
            "agent": self._agent,
            "session.tool": self._tool,
            "chat": self._chat,
            "sessions.changed": self._changed,
            "heartbeat": self._heartbeat,
            "shutdown": self._shutdown,
        }

    def sessions(self) -> Mapping[str, Session]:
        """Return every session that is known."""
        return MappingProxyType({key: state.session() for key, state in self._sessions.items()})

    def run_of(self, key: str) -> Session | None:
        """Return one session as it is known now."""
        state = self._sessions.get(key)
        return None if state is None else state.session()

    def on_event(self, event: str, payload: Any, at_s: float) -> None:
        """Take in one event. Unknown events and fields are ignored and counted, never fatal."""
        known = table(payload)
        takes = self._takes.get(event)
        if takes is not None:
            takes(known, at_s)
        elif event.endswith((".requested", ".resolved")):
            self._asked(event, known, at_s)
        elif event not in _IGNORED:
            self.ignored[event[:100]] += 1

    def on_list(self, rows: list[dict[str, Any]], at_s: float, *, complete: bool) -> None:
        """Take in `sessions.list`; from a complete one it also follows what the store does not know."""
        listed: set[str] = set()
        for row in rows:
            self._note_time(row.get("ts"), at_s)
            unseen = self._missed or row.get("key") not in self._sessions
            known = self._of(row.get("key"), at_s)
            if known is not None:
                if unseen and row.get("hasActiveRun") is not False:
                    known.queue_known = False  # what waits there came before we listened
                listed.add(known.key)
                known.on_row(row, at_s)
        self._missed = False
        if not complete:
            return
        for key in self._sessions.keys() - listed:
            state = self._sessions[key]
            if state.runs or state.waits:
                state.in_store = Presence.ABSENT
            else:
                del self._sessions[key]

    def on_lanes(self, lanes: list[dict[str, Any]], dynamic: object = None) -> None:
        """Take in `diagnostics.lanes`: the shared lanes, and ``dynamic``, the sum of the sessions' own."""
        self._waiting_in_session_lanes = _count(table(dynamic).get("queuedCount")) or 0
        self._find_who_waits_behind_a_lane()
        found: dict[str, Lane] = {}
        for lane in lanes:
            name = str(lane.get("lane"))
            found[name] = Lane(
                name,
                _LANES.get(name, LaneKind.OTHER),
                active=_count(lane.get("activeCount")),
                queued=_count(lane.get("queuedCount")),
                capacity=_count(lane.get("maxConcurrent")),
            )
        self.lanes = MappingProxyType(found)

    def to_read(self, now_s: float, at_most: int) -> list[str]:
        """Return the sessions of which `chat.history` is to be asked now, the longest unasked first; notes it."""
        due = [state for state in self._sessions.values() if state.read_due(now_s)]
        due.sort(key=lambda state: -1.0 if state.read_s is None else state.read_s)
        for state in due[:at_most]:
            state.read_s = now_s
        return [state.key for state in due[:at_most]]

    def on_history(self, key: str, payload: dict[str, Any], at_s: float) -> None:
        """Take in the answer to `chat.history` that was asked at ``at_s``; what is not understood is passed over."""
        state, read = self._sessions.get(key), read_history(payload)
        if state is None or read is None:
            self.ignored["chat.history"] += read is None
            return
        state.on_read(read, at_s, self._moment_s(read.started_ms, at_s), self._moment_s(read.queued_since_ms, at_s))
        self._find_who_waits_behind_a_lane()

    def abort_asked(self, key: str, run_id: str, at_s: float) -> None:
        """Note that we asked the gateway to end a run."""
        state = self._sessions.get(key)
        if state is not None:
            state.abort_asked(run_id, at_s)

    def mark_of(self, key: str, run_id: str) -> str:
        """Return how far a run had come that is known from cold reads only; empty for one that was heard."""
        state = self._sessions.get(key)
        run = None if state is None else state.runs.get(run_id)
        return "" if run is None else run.mark

    def gap(self, at_s: float) -> None:
        """After events were missed, forget what only events tell; `on_list` must follow."""
        self._missed = True
        for state in self._sessions.values():
            state.forget(at_s)

    def restarted(self) -> None:
        """Forget everything: this is another gateway process."""
        self._sessions.clear()
        self.lanes = MappingProxyType({})
        self.draining = False

    def _agent(self, payload: dict[str, Any], at_s: float) -> None:
        state = self._of(payload.get("sessionKey"), at_s)
        stream, data = payload.get("stream"), table(payload.get("data"))
        if state is None or not isinstance(stream, str):
            return
        begins = stream in ("run_status", "lifecycle") and data.get("phase") in _BEGINNINGS
        run_id = str(payload.get("runId"))
        run = state.run_of(run_id, at_s, begins=begins)
        if run is None:
            return
        if isinstance(payload.get("sessionId"), str):
            state.id = payload["sessionId"]
        if isinstance(payload.get("ts"), int):
            run.last_ts = max(run.last_ts, payload["ts"])
        run.heartbeat = payload.get("isHeartbeat") is True
        if run.on_stream(stream, data, at_s):
            state.ended(run_id, at_s)
        elif run.abort_requested_s is not None:
            state.abort_asked(run_id, at_s)

    def _tool(self, payload: dict[str, Any], at_s: float) -> None:
        state = self._of(payload.get("sessionKey"), at_s)
        run = None if state is None else state.run_of(str(payload.get("runId")), at_s, begins=False)
        if run is not None:
            run.on_tool(table(payload.get("data")), at_s)

    def _chat(self, payload: dict[str, Any], at_s: float) -> None:
        state = self._of(payload.get("sessionKey"), at_s)
        if state is None:
            return
        run_id, phase = str(payload.get("runId")), payload.get("state")
        if phase == "final" and "message" not in payload:
            state.accepted(run_id, at_s)  # taken into the queue behind the run that is active
        elif phase == "aborted":
            state.abort_asked(run_id, at_s)
        elif phase == "error":
            state.ended(run_id, at_s)

    def _changed(self, payload: dict[str, Any], at_s: float) -> None:
        state = self._of(payload.get("sessionKey") or payload.get("key"), at_s)
        if state is None:
            return
        if payload.get("reason") in ("deleted", "delete", "removed"):
            del self._sessions[state.key]
            return
        state.on_row(payload, at_s)

    def _heartbeat(self, payload: dict[str, Any], _at_s: float) -> None:
        if payload.get("status") == "skipped":
            self.dropped[_DROPS.get(str(payload.get("reason")), "other")] += 1

    def _shutdown(self, _payload: dict[str, Any], _at_s: float) -> None:
        self.draining = True

    def _asked(self, event: str, payload: dict[str, Any], at_s: float) -> None:
        name, _, verb = event.rpartition(".")
        kind = _WAITS.get(name)
        if kind is None:
            self.ignored[event[:100]] += 1
            return
        identity = str(payload.get("id"))
        if verb == "resolved":
            for waiting in self._sessions.values():
                if identity in waiting.waits:
                    waiting.waits_for(identity, None, at_s)
            return
        inner = table(payload.get("request"))
        state = self._of(payload.get("sessionKey") or inner.get("sessionKey"), at_s)
        created, expires = number(payload.get("createdAtMs")), number(payload.get("expiresAtMs"))
        if state is not None:
            lasts_ms = None if created is None or expires is None else expires - created
            deadline_s = at_s + lasts_ms / 1e3 if lasts_ms is not None and lasts_ms > 0 else None
            # It was broadcast to every operator's client, of which we are one.
            wait = Wait(kind, since_s=at_s, deadline_s=deadline_s, delivered=Presence.PRESENT)
            state.waits_for(identity, wait, at_s)

    def _find_who_waits_behind_a_lane(self) -> None:
        """A run that was accepted, has not begun and waits for no slot waits for its session's lane, if lanes say so.

        The totals name no session: where more have not begun than wait in lanes, nobody knows which of them do.
        """
        unbegun = [state for state in self._sessions.values() if state.unbegun and not state.admission]
        told = len(unbegun) <= self._waiting_in_session_lanes
        for state in unbegun:
            state.behind_lane = told

    def _note_time(self, ts: object, at_s: float) -> None:
        found = number(ts)
        if found is not None:
            self._gateway_ms = (found, at_s)

    def _moment_s(self, unix_ms: float | None, at_s: float) -> float | None:
        """Return a time of the gateway's on our clock, never in the future; ``None`` where that cannot be told."""
        if unix_ms is None or self._gateway_ms is None:
            return None
        gateway_ms, said_s = self._gateway_ms
        return min(at_s, said_s - (gateway_ms - unix_ms) / 1e3)

    def _of(self, key: object, at_s: float) -> Tracked | None:
        if not isinstance(key, str) or not key:
            return None
        state = self._sessions.get(key)
        if state is None:
            if len(self._sessions) >= _MAX_SESSIONS:
                self.overflowed += 1
                return None
            state = self._sessions[key] = Tracked(key, at_s, state_since_s=at_s)
        return state


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
