"""A small OpenClaw that knows the truth: what it would say, row by row and event by event, as recorded from a real one.

One run per session at a time, a shared lane with ``cap`` slots, session lanes that something else may hold, messages
that wait behind a run, aborts that free the lane at once or 30 s later (a zombie). Virtual time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

EPOCH_MS = 1_796_000_000_000
LANE_GRACE_S = 30.0


@dataclass
class Turn:
    """One message and the run that answers it."""

    id: str
    wish: str
    """``answer`` (5 s of tokens), ``slow`` (a token per 4 s for 60 s), ``hang``, ``half``, ``zombie``."""
    began_s: float | None = None
    said_s: float | None = None
    """When it last said something new."""
    words: int = 0
    aborted_s: float | None = None


@dataclass
class Room:
    """One session."""

    key: str
    turns: list[Turn] = field(default_factory=list[Turn])
    """The first is active (it may still wait to begin), the others wait."""
    lane_held: bool = False
    idle_row: bool = True


class Gateway:
    """Emits events through ``say``; `rows`, `lanes` and `history` are what it answers."""

    def __init__(self, say: Callable[[str, dict[str, Any]], None], cap: int) -> None:
        self.say, self.cap = say, cap
        self.now_s = 0.0
        self.rooms: dict[str, Room] = {}
        self.numbers = 0

    @property
    def ms(self) -> int:
        return EPOCH_MS + int(self.now_s * 1e3)

    def active(self, key: str) -> Turn | None:
        turns = self.rooms[key].turns if key in self.rooms else []
        return turns[0] if turns else None

    def send(self, key: str, wish: str) -> None:
        room = self.rooms.setdefault(key, Room(key))
        self.numbers += 1
        turn = Turn(f"lw-{self.numbers}", wish)
        room.turns.append(turn)
        if len(room.turns) > 1:
            self._changed(room, "send", running=True)
            self.say("chat", {"sessionKey": key, "runId": turn.id, "state": "final", "seq": 0})
            self._changed(room, "agent.input.settled")
        else:
            self._changed(room, "participants", running=True, ids=[turn.id])
            self._admit()

    def abort(self, key: str, run_id: str) -> bool:
        turn = self.active(key)
        if turn is None or turn.id != run_id or turn.aborted_s is not None:
            return False
        turn.aborted_s = self.now_s
        self.say("chat", {"sessionKey": key, "runId": run_id, "state": "aborted"})
        if turn.began_s is not None:
            self._lifecycle(key, turn, phase="end", aborted=True, status="cancelled", stopReason="rpc")
        if turn.wish == "zombie":
            self._changed(self.rooms[key], "abort")
            return True
        if turn.began_s is not None:
            self._lifecycle(key, turn, phase="error", aborted=True, executionSettled=True)
        self._over(self.rooms[key])
        return True

    def advance(self, seconds: float) -> None:
        ends_s = self.now_s + seconds
        while self.now_s < ends_s:
            self.now_s = min(ends_s, self.now_s + 1.0)
            for room in list(self.rooms.values()):
                self._step(room)
            self._admit()

    def restart(self) -> None:
        """Another process: what ran is taken up anew and said so only by its row; what waited was interrupted."""
        for room in self.rooms.values():
            room.lane_held = False
            del room.turns[1:]
            for turn in room.turns:
                if turn.began_s is None or turn.aborted_s is not None:
                    room.turns.clear()
                else:
                    turn.began_s = turn.said_s = self.now_s

    def hold_lane(self, key: str, *, held: bool) -> None:
        room = self.rooms.setdefault(key, Room(key))
        if not room.turns or room.turns[0].began_s is None:
            room.lane_held = held

    def waits(self, key: str) -> bool:
        turn = self.active(key)
        return turn is not None and turn.began_s is None

    def row(self, room: Room) -> dict[str, Any]:
        turn = room.turns[0] if room.turns else None
        gone = turn is None or turn.aborted_s is not None
        waiting = turn is not None and turn.began_s is None and not room.lane_held
        row: dict[str, Any] = {"key": room.key, "ts": self.ms, "hasActiveRun": not gone}
        row["status"] = "done" if gone else "queued" if waiting else "running"
        row["activeRunIds"] = [] if gone else None
        return row

    def rows(self) -> list[dict[str, Any]]:
        return [self.row(room) for room in self.rooms.values()]

    def lanes(self) -> tuple[list[dict[str, Any]], dict[str, int]]:
        active = len(self._running())
        queued = sum(self.waits(key) and not room.lane_held for key, room in self.rooms.items())
        held = sum(self.waits(key) and room.lane_held for key, room in self.rooms.items())
        main = {"lane": "main", "activeCount": active, "queuedCount": queued, "maxConcurrent": self.cap}
        return [main], {"queuedCount": held, "activeCount": active}

    def history(self, key: str) -> dict[str, Any]:
        room = self.rooms[key]
        turn, waiting = self.active(key), room.turns[1:]
        shown = [{"runId": turn.id, "state": "queued", "acceptedAt": self.ms} for turn in waiting[-1:]]
        answer: dict[str, Any] = {
            "sessionInfo": self.row(room),
            "pendingInputs": {"items": shown, "total": len(waiting)},
            "totalMessages": 1,
        }
        if turn is not None and turn.aborted_s is None:
            answer["inFlightRun"] = run = {"runId": turn.id, "text": "word " * turn.words, "startedAt": self.ms}
            if turn.began_s is not None:
                run["events"] = [{"stream": "run_status", "seq": 1, "data": {"phase": "starting_model"}}]
        return answer

    def _running(self) -> list[Turn]:
        return [room.turns[0] for room in self.rooms.values() if room.turns and room.turns[0].began_s is not None]

    def _admit(self) -> None:
        for room in self.rooms.values():
            turn = room.turns[0] if room.turns else None
            if turn is None or turn.began_s is not None or room.lane_held:
                continue
            if len(self._running()) >= self.cap:
                if turn.said_s is None:
                    turn.said_s = self.now_s
                    self._changed(room, "run-capacity")
                continue
            turn.began_s = turn.said_s = self.now_s
            self._changed(room, "run-capacity")
            for phase in ("preparing_workspace", "preparing_context", "starting_model"):
                self._agent(room.key, turn, "run_status", phase=phase)

    def _step(self, room: Room) -> None:
        turn = room.turns[0] if room.turns else None
        if turn is None or turn.began_s is None:
            return
        if turn.aborted_s is not None:
            if self.now_s - turn.aborted_s >= LANE_GRACE_S:
                self._over(room)
            return
        every_s, words = {"answer": (1.0, 5), "slow": (4.0, 15), "half": (1.0, 1)}.get(turn.wish, (1.0, 0))
        assert turn.said_s is not None
        if turn.words < words and self.now_s - turn.said_s >= every_s:
            turn.words, turn.said_s = turn.words + 1, self.now_s
            self._agent(room.key, turn, "assistant", delta="word ")
        if turn.words == words and turn.wish in ("answer", "slow"):
            self._lifecycle(room.key, turn, phase="end", aborted=False, executionSettled=True)
            self._over(room)

    def _over(self, room: Room) -> None:
        room.turns.pop(0)
        self._changed(room, "agent.run.ended")
        self._admit()

    def _lifecycle(self, key: str, turn: Turn, **data: Any) -> None:
        self._agent(key, turn, "lifecycle", **data)

    def _agent(self, key: str, turn: Turn, stream: str, **data: Any) -> None:
        payload = {"sessionKey": key, "runId": turn.id, "stream": stream, "data": data, "ts": self.ms}
        self.say("agent", payload)

    def _changed(self, room: Room, reason: str, *, running: bool = False, ids: list[str] | None = None) -> None:
        row = {**self.row(room), "sessionKey": room.key, "reason": reason}
        if running:
            row |= {"status": "running", "hasActiveRun": True, "activeRunIds": ids}
        self.say("sessions.changed", row)
