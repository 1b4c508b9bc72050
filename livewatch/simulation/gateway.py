"""The model gateway: it queues messages, starts runs, keeps books, and is asked to repair itself."""

from collections import Counter
from collections.abc import Callable, Iterable
from math import inf
from random import Random

from livewatch.simulation.aftermath import leave_behind
from livewatch.simulation.host import Host, PauseKind
from livewatch.simulation.lanes import Lane
from livewatch.simulation.messages import Message, MessageKind, MessageState
from livewatch.simulation.plan import DEFAULT_TURN, HeartbeatPlan, LanePlan, SessionPlan, Step, Turn
from livewatch.simulation.providers import Providers
from livewatch.simulation.runs import advance, mark, perform, poke, run_out
from livewatch.simulation.sessions import Run, Session, Waiting
from livewatch.simulation.tools import Process
from livewatch.simulation.truth import Fault, Truth
from livewatch_classifiers.model import GatewayIdentity
from livewatch_classifiers.vocabulary import Phase, SessionState, StallCause, TerminalMark, WaitKind


class Gateway:
    """One gateway process and the next one after a restart."""

    def __init__(self, host: Host, random: Random, *, durable_queue: bool = True, redelivers: bool = False) -> None:
        self.host = host
        self.random = random
        self.truth = Truth()
        self.providers = Providers()
        self.sessions: dict[str, Session] = {}
        self.lanes: dict[str, Lane] = {}
        self.messages: list[Message] = []
        self.counters: Counter[str] = Counter()
        self.violations: list[tuple[float, str, str]] = []
        """(moment, session, what) of every invariant that the gateway itself saw broken."""
        self.phase = Phase.READY
        self.ready_s: float | None = host.clock.monotonic_s() - 3600.0
        self.pid = 4100
        self.durable_queue = durable_queue
        self.redelivers = redelivers
        self.restart_takes_s = 10.0
        self.restarts = 0
        self._number = 0

    @property
    def now_s(self) -> float:
        """The scenario's time in seconds."""
        return self.host.timeline.now_s

    @property
    def identity(self) -> GatewayIdentity:
        """Identity of the present process."""
        return GatewayIdentity(self.pid, f"start-{self.restarts}")

    def mono_s(self) -> float:
        """Return monotonic seconds."""
        return self.host.clock.monotonic_s()

    def add_session(self, plan: SessionPlan) -> None:
        """Take a session of the cast in."""
        self.sessions[plan.key] = Session(plan, self.mono_s())
        if plan.heartbeat is not None:
            first_s = plan.heartbeat.every_s if plan.heartbeat.first_s is None else plan.heartbeat.first_s
            self.later(first_s, lambda: self._beat(plan.key, plan.heartbeat))

    def add_lane(self, plan: LanePlan) -> None:
        """Take a shared lane in."""
        self.lanes[plan.name] = Lane(plan)

    def later(self, delay_s: float, call: Callable[[], None]) -> None:
        """Do something later, when the loop runs."""
        self.host.later(delay_s, call)

    def work(self, seconds: float, call: Callable[[], None]) -> None:
        """Do something after so many seconds in which the loop ran."""
        self.host.work(seconds, call)

    def block(self, for_s: float) -> None:
        """Block the loop by the gateway's own code."""
        self.host.pause(PauseKind.BLOCK, for_s, cause=StallCause.OWN_CODE, stack="gateway.py:1 work")

    # ------------------------------------------------------------------ messages

    def send(self, key: str, turn: Turn | None = None, kind: MessageKind = MessageKind.USER) -> Message:
        """Let a message arrive from outside; the gateway takes it in when its loop runs."""
        session = self.sessions[key]
        self._number += 1
        message = Message(
            f"m{self._number}", key, kind, turn or session.plan.turn or DEFAULT_TURN, self.now_s, self.mono_s()
        )
        self.messages.append(message)
        self._arrive(message)
        return message

    def _arrive(self, message: Message) -> None:
        """Hand a message in; whoever sent it tries again while there is no process."""
        if self.host.gone:
            self.host.timeline.after(1.0, lambda: self._arrive(message))
        else:
            self.host.do(lambda: self.enqueue(message))

    def enqueue(self, message: Message) -> None:
        """Put a message into its session's queue; a heartbeat for a busy session is dropped."""
        session = self.sessions[message.session]
        if message.kind is MessageKind.HEARTBEAT and (session.busy or session.queue):
            self.messages.remove(message)
            self.counters["heartbeats_dropped"] += 1
            return
        session.queue.append(message)
        session.touch()
        if session.latent is not None:
            self.truth.afflict(session.key, session.latent, self.now_s)
        self.pump(session)

    def pump(self, session: Session) -> None:
        """Start the next run if nothing stands in its way."""
        if not session.queue or session.busy or self.phase is not Phase.READY:
            return
        lane = self.lanes.get(session.plan.lane or "")
        if lane is not None and session.key not in lane.holders:
            if not lane.free:
                if session.state is not SessionState.WAITING:
                    session.enter(SessionState.WAITING, self.mono_s())
                    session.wait = Waiting(WaitKind.LANE_ADMISSION, self.mono_s(), lane=lane.plan.name)
                lane.wait(session.key, self.mono_s())
                return
            lane.leave(session.key)
            lane.holders.append(session.key)
        self._start(session, session.queue.popleft())

    def _start(self, session: Session, message: Message) -> None:
        self._number += 1
        if any(not old.ended for old in session.detached):
            self.violations.append((self.now_s, session.key, "two runs hold one session file"))
        run = Run(f"r{self._number}", message, message.turn, self.mono_s(), f"h{self._number}")
        run.real_progress_s = self.now_s
        run.process = perform(self, session, run)
        message.state, message.started_s = MessageState.RUNNING, self.now_s
        session.clear_marks()
        session.run = run
        session.store_running = True
        session.in_store = True
        session.terminal = TerminalMark.NONE
        session.enter(SessionState.PROCESSING, self.mono_s())
        if message.turn.timeout_s is not None:
            self.later(message.turn.timeout_s, lambda: run_out(self, session, run, self.mono_s()))
        advance(self, session, run, run.token)

    def _beat(self, key: str, plan: HeartbeatPlan | None) -> None:
        if plan is None:
            return
        if key in self.sessions:
            self.send(key, plan.turn, MessageKind.HEARTBEAT)
        self.later(plan.every_s, lambda: self._beat(key, plan))

    # ------------------------------------------------------------------ books

    def begin(self, session: Session, run: Run, step: Step) -> None:
        """Write into the books what the run does now; the start of a step is progress."""
        run.real_progress_s = self.now_s
        if session.run is not run or self._frozen(session):
            return
        mark(session, run, step, self.mono_s())
        if not step.unseen:
            self.moved(session, run, counted=True)

    def moved(self, session: Session, run: Run, *, counted: bool) -> None:
        """Note new content of this run."""
        run.real_progress_s = self.now_s
        if not counted or session.run is not run or self._frozen(session):
            return
        session.progress_s = self.mono_s()
        session.terminal = TerminalMark.NONE
        session.touch()

    def dead(self, session: Session, run: Run, fault: Fault, since_s: float) -> None:
        """Note the truth: this run will never move again."""
        run.hung = True
        if session.run is run:
            self.truth.afflict(session.key, fault, since_s)

    def alive(self, session: Session, run: Run, how: str) -> None:
        """Note the truth: this run moves again."""
        if run.hung and session.run is run:
            self.truth.mend(session.key, self.now_s, how)
        run.hung = False
        run.real_progress_s = self.now_s
        if session.run is run and session.marker is not None:
            session.marker.works_until_s = inf

    def child(self, parent: Session, run: Run, step: Step) -> Waiting:
        """Return the wait for the last message of another session; a new one, if the step spawns it."""
        assert step.awaits is not None
        del run
        child = self.sessions.get(step.awaits)
        message: Message | None = None
        if child is not None and step.spawns is not None:
            message = self.send(step.awaits, step.spawns, MessageKind.CHILD)
        elif child is not None:
            known = [m for m in self.messages if m.session == step.awaits]
            message = known[-1] if known else None
        del parent
        return Waiting(
            WaitKind.SUBAGENT,
            self.mono_s(),
            None if step.deadline_s is None else self.mono_s() + step.deadline_s,
            session=step.awaits,
            child=message,
            child_known=step.child_known,
        )

    def circle(self, session: Session) -> list[tuple[Session, Run]]:
        """Return the runs of the circle of waits that this session closes; none where it closes none."""
        path: list[str] = []
        key: str | None = session.key
        while key is not None and key not in path:
            path.append(key)
            key = self._waits_for(self.sessions[key])
        if key != session.key:
            return []
        members = (self.sessions[key] for key in path)
        return [(member, member.run) for member in members if member.run is not None]

    def _waits_for(self, session: Session) -> str | None:
        """Return whose run must end first: the child's session, or whoever holds the only slot of its lane."""
        wait = session.wait
        if session.run is not None:
            return None if wait is None or wait.child is None or wait.child.over else wait.child.session
        lane = self.lanes.get(session.plan.lane or "")
        return lane.holders[0] if lane is not None and lane.plan.slots == 1 and lane.holders else None

    def _frozen(self, session: Session) -> bool:
        return session.frozen_until_s is not None and self.now_s < session.frozen_until_s

    # ------------------------------------------------------------------ ends

    def over(self, session: Session, run: Run, *, failed: bool) -> None:
        """Note that a run came to its own end, and leave behind what its turn says."""
        state = MessageState.FAILED if failed else MessageState.ANSWERED
        self.finish(session, run, state, "ended by itself")
        if session.run is run:
            leave_behind(self, session, run, run.turn.ends)
        self.pump(session)

    def finish(self, session: Session, run: Run, state: MessageState, how: str) -> None:
        """End a run for good; the books still know it until somebody cleans them."""
        if run.ended:
            return
        dead = run.hung
        run.ended = True
        run.token += 1
        close(run)
        run.message.state = state
        run.message.deaf = dead
        run.message.ended_s = self.now_s
        if run in session.detached:
            session.detached.remove(run)
        if session.run is run:
            self.truth.mend(session.key, self.now_s, how)
        self.later(0.0, lambda: self._wake_parents(run.message))

    def clear(self, session: Session, state: SessionState = SessionState.IDLE) -> None:
        """Clean the books of a session: no run, no marks, its lane free."""
        session.run = None
        session.lane_held = False
        session.latent = None
        session.owner_override = None
        session.clear_marks()
        session.store_running = False
        session.enter(state, self.mono_s())
        self.free_lane(session)

    def free_lane(self, session: Session) -> None:
        """Give back the slot of a shared lane and let the next session in."""
        lane = self.lanes.get(session.plan.lane or "")
        if lane is None:
            return
        lane.release(session.key)
        lane.leave(session.key)
        while lane.free and lane.waiting:
            key, _ = lane.waiting.popleft()
            waiting = self.sessions.get(key)
            if waiting is not None:
                waiting.wait = None
                waiting.enter(SessionState.IDLE, self.mono_s())
                self.pump(waiting)

    def _wake_parents(self, message: Message) -> None:
        for session in list(self.sessions.values()):
            wait, run = session.wait, session.run
            if run is None or wait is None or wait.child is not message or run.ended:
                continue
            session.touch()
            if run.wake_lost:
                self.dead(session, run, Fault.LOST_WAKE, self.now_s)
            else:
                poke(self, session, run)

    # ------------------------------------------------------------------ process

    def restart(self) -> None:
        """End this process and start the next one; what was in flight is interrupted."""
        self.host.forget_deferred()
        for session in self.sessions.values():
            self._interrupt(session)
        self.phase = Phase.STARTING
        self.ready_s = None
        self.pid += 1
        self.restarts += 1
        self.host.gone = False
        self.later(self.restart_takes_s, self.become_ready)

    def become_ready(self) -> None:
        """Serve from now on."""
        self.phase = Phase.READY
        self.ready_s = self.mono_s()
        for session in list(self.sessions.values()):
            self.pump(session)

    def _interrupt(self, session: Session) -> None:
        redelivered: Message | None = None
        for run in [*session.detached, *([session.run] if session.run is not None else [])]:
            was_ended = run.ended
            self.finish(session, run, MessageState.INTERRUPTED, "restart")
            if self.redelivers and not was_ended and run.message.kind is MessageKind.USER:
                redelivered = run.message
        marker_stays = session.plan.key in self.stranded_by_restart
        self.truth.mend(session.key, self.now_s, "restart")
        self.clear(session)
        session.progress_s = None
        session.terminal = TerminalMark.NONE
        if marker_stays:
            session.store_running = True
            session.lane_held = True
            self.truth.afflict(session.key, Fault.STRANDED_MARKER, self.now_s)
        if redelivered is not None:
            redelivered.state = MessageState.QUEUED
            session.queue.appendleft(redelivered)
        if not self.durable_queue:
            for message in session.queue:
                message.state, message.ended_s = MessageState.LOST, self.now_s
            session.queue.clear()

    stranded_by_restart: frozenset[str] = frozenset()
    """Keys of sessions whose store marker survives a restart (OpenClaw 146692)."""

    def all_runs(self) -> Iterable[tuple[Session, Run]]:
        """Return every registered run that has not ended."""
        return [(s, s.run) for s in self.sessions.values() if s.run is not None and not s.run.ended]


def close(run: Run) -> None:
    """Stop the steps of a run where they are."""
    process: Process = run.process  # type: ignore[assignment]  # set by the gateway that started the run
    process.close()
