"""Takes the minutes of a round: everything that its decisions depended on, for the shadow and for witnesses."""

from collections.abc import Iterable
from dataclasses import replace

from livewatch.recovery.holds import OperatorHold
from livewatch.recovery.memory import Memory
from livewatch.recovery.patient import Patient
from livewatch.recovery.request import Situation
from livewatch.recovery.rounds import Circumstances, Moment, Round, SecondOpinion, SentByHand, Witness
from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import Act, Decision
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import ActionKind


class Minutes:
    """Written by the agent while it goes through a round, read by `moment` at its end."""

    def __init__(self, shadow: SecondOpinion | None, witnesses: Iterable[Witness]) -> None:
        self._shadow = shadow
        self._witnesses = tuple(witnesses)
        self._by_hand: list[SentByHand] = []
        self._around = Circumstances()
        self._decisions: tuple[Decision, ...] = ()
        self._taken_up: Memory | None = None
        self._gone = False
        self._began = True

    def by_hand(self, act: Act, patient: Patient, sent_s: float) -> None:
        """Note a repair that a person sent between two rounds."""
        self._by_hand.append(SentByHand(act, patient, sent_s))

    def taken_up(self, before: Memory, after: Memory) -> Memory:
        """Note what the memory became by taking the lease, if it changed; return it."""
        self._taken_up = None if after is before else after
        return after

    def decided(
        self,
        situation: Situation,
        capabilities: frozenset[ActionKind],
        holds: Iterable[OperatorHold],
        decisions: Iterable[Decision],
        *,
        gone: bool = False,
    ) -> None:
        """Note what the policy decided and around what; ``capabilities`` are the gateway's own."""
        self._decisions = tuple(decisions)
        self._gone = gone
        self._around = Circumstances(
            capabilities=capabilities,
            discards=situation.discards,
            penalty=situation.penalty,
            may_act=situation.may_act,
            actor=situation.actor,
            holds=tuple(holds),
        )

    def moment(self, report: TickReport, thresholds: Thresholds, policy: Policy, memory: Memory) -> Moment:
        """End the minutes of a round; the report of the moment tells where the shadow disagrees."""
        taken = Round(
            now_s=report.now_s,
            wall_s=report.wall_s,
            snapshot=report.snapshot,
            gone=self._gone,
            circumstances=self._around,
            completed=report.completed,
            acts=tuple(decision for decision in self._decisions if isinstance(decision, Act)),
            by_hand=tuple(self._by_hand),
            taken_up=self._taken_up,
            began=self._began,
        )
        self._by_hand.clear()
        self._taken_up, self._began = None, False
        moment = Moment(taken, report, self._decisions, thresholds, policy, memory)
        if self._shadow is None:
            return moment
        return replace(moment, report=replace(report, dissents=self._shadow.compare(moment)))

    def hand_out(self, moment: Moment) -> None:
        """Tell the witnesses."""
        for witness in self._witnesses:
            witness.on_moment(moment)
