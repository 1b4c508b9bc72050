"""The settings of recovery: how far it may go, and how patient it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType

from livewatch_classifiers.vocabulary import Gate, Mode

HOLD_BOUNDS_S: Mapping[Gate, float] = MappingProxyType(
    {
        Gate.MODE: 3600.0,
        Gate.OPERATOR_HOLD: 3600.0,
        Gate.DRY_RUN: 3600.0,
        Gate.QUARANTINE: 0.0,  # a person must look: said at once
        Gate.STARTUP_GRACE: 1200.0,  # cold starts take up to 13.5 min (OpenClaw 149538)
        Gate.RESUME_GRACE: 120.0,
        Gate.RESPONSIVE: 300.0,
        Gate.CONFIRMED: 120.0,
        Gate.GENERATION: 120.0,
        Gate.HANDLE_IDENTITY: 120.0,
        Gate.BACKOFF: 4500.0,  # beyond the longest backoff with its jitter
        Gate.BUDGET: 900.0,
    }
)
"""Gates whose bound differs from ``hold_bound_s`` by default."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How far recovery may go, and how patient it is.

    In seconds where the name ends in ``_s``. Construction fails with ``ValueError`` when the values cannot work.
    """

    mode: Mode = Mode.OBSERVE
    """How far recovery may go. ``observe`` repairs nothing; each further word includes those before it."""
    dry_run: bool = False
    """Decide and report everything, do nothing."""
    confirm_certain: int = 2
    """Consecutive samples in which a fact must hold before it is acted on."""
    confirm_silence: int = 3
    """The same for silence, which unlike a fact may end by itself."""
    healthy_for_s: float = 5.0
    """How long loop and host must have been healthy before silence counts again."""
    startup_grace_s: float = 30.0
    """Time after the gateway is ready in which nothing is repaired."""
    resume_grace_s: float = 10.0
    """After a suspend, a freeze or a restart of the gateway."""
    verify_s: float = 15.0
    """How long an action may take to show its effect (OpenClaw's own abort path needs 1.2 s)."""
    verify_queue_s: float = 45.0
    """How long, once a run was seen to end, what waited behind it may take to begin.

    Longer than the grace of gateways that hold the lane of an aborted run (OpenClaw: 30 s).
    """
    force_clear_after_s: float = 30.0
    """Grace between an abort that was seen to fail and the removal of its handle."""
    backoff_initial_s: float = 60.0
    """Pause after the first repair of a session; it doubles with each further one."""
    backoff_maximum_s: float = 3600.0
    """The longest such pause."""
    backoff_jitter: float = 0.1
    """Share by which each pause is made longer or shorter, so that repairs do not come together."""
    budget_actions: int = 10
    """Repairs in ``budget_window``, over all sessions; further ones wait."""
    budget_window_s: float = 600.0
    """See ``budget_actions``."""
    blast_sessions_min: int = 5
    """So many sessions sick at once, and more than ``blast_share`` of the busy ones, have one cause.

    Runs are then ended one at a time, at least ``verify_s`` apart; once that helped one, the others follow.
    """
    blast_share: float = 0.5
    """See ``blast_sessions_min``."""
    blast_window_s: float = 120.0
    """Sessions that fell sick within this time count as at once."""
    poison_repairs: int = 3
    """Repairs within ``poison_window_s`` after which a session is left to a person (Sidekiq's poison pill).

    A schedule (lane ``cron``) is only told to a person, at each further hang, and still repaired.
    """
    poison_window_s: float = 72 * 3600.0
    """See ``poison_repairs``."""
    ineffective_repairs: int = 2
    """Repairs in a row without effect after which a session is left to a person."""
    hold_bound_s: float = 600.0
    """A gate that holds longer than this is reported to a person; it is never opened by the bound."""
    hold_bounds_s: Mapping[Gate, float] = field(default_factory=lambda: HOLD_BOUNDS_S)
    """Bounds of single gates, before ``hold_bound_s``."""
    restart_command: tuple[str, ...] = ()
    """Argument list that restarts the gateway, for example ``["systemctl", "restart", "gateway"]``; empty is off.

    It is the last rung, needs mode ``restart``, is run without a shell, and must return: a supervisor's command.
    """
    restart_after_s: float = 300.0
    """How long the gateway must have been gone or unresponsive before it is restarted for its own sake."""
    restart_cooldown_s: float = 900.0
    """Least uptime of the gateway, and least time since the last restart of ours, before a restart."""
    restart_budget: int = 2
    """Restarts in ``restart_window_s``; not part of ``budget_actions``."""
    restart_window_s: float = 6 * 3600.0
    """See ``restart_budget``."""
    restart_drain_s: float = 15.0
    """How long a gateway that answers may drain before the command is run."""
    restart_timeout_s: float = 60.0
    """How long the command may take."""
    restart_verify_s: float = 180.0
    """How long after the command another process may take until it responds."""
    allow_discard: bool = False
    """Whether an action may be taken that throws queued messages away."""
    seed: str = "livewatch"
    """Makes the jitter of this agent its own and repeatable."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, (int, float)) and not isinstance(value, bool) and not 0 <= value < float("inf"):
                raise ValueError(f"{item.name} must be a finite number and not negative, not {value}")
        if self.backoff_jitter > 1:
            raise ValueError(f"backoff_jitter must be at most 1, not {self.backoff_jitter}")
        if self.confirm_certain < 1 or self.confirm_silence < 1:
            raise ValueError("confirm_certain and confirm_silence must be at least 1")
        if not 0 < self.blast_share <= 1:
            raise ValueError(f"blast_share must be above 0 and at most 1, not {self.blast_share}")
        wrong = [gate.value for gate, bound_s in self.hold_bounds_s.items() if not bound_s >= 0]
        if wrong:
            raise ValueError(f"hold_bounds must not be negative, but those of {', '.join(wrong)} are")

    @property
    def canary_delay_s(self) -> float:
        """Seconds from the outcome of a canary that did not help to the next one; less than its own backoff.

        What did not help one session says little about the next: five runs that an abort would have ended waited a
        minute for a zombie (D15). The budget bounds how many follow.
        """
        return min(self.backoff_initial_s, self.verify_s)

    @property
    def scheduled_told_s(self) -> float:
        """For how long a repeatedly repaired run of a schedule waits, so that a person is told, in seconds."""
        return self.verify_s

    def hold_bound_of(self, gate: Gate) -> float:
        """Return after how many seconds a person is told that this gate still holds."""
        return self.hold_bounds_s.get(gate, self.hold_bound_s)
