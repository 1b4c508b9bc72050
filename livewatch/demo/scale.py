"""The scaled-down limits of the demonstration: minutes become seconds, their proportions stay.

Healthy work is kept far from every limit, so that a busy machine or a debugging event loop is never misjudged: the
slowest healthy stream sends a token per second and is aborted after five silent ones.
"""

from livewatch.recovery.settings import Policy
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import Mode

INTERVAL_S = 0.25
"""Time between two looks of the agent."""

THRESHOLDS = Thresholds(
    warn_after_s=2.0,
    abort_after_s=5.0,
    tool_abort_after_s=5.0,
    zombie_grace_s=2.0,
    ghost_after_s=2.0,
    settle_s=0.5,
    loop_unresponsive_s=1.0,
)

POLICY = Policy(
    mode=Mode.ABORT,
    healthy_for_s=1.5,
    startup_grace_s=1.5,
    resume_grace_s=2.0,
    verify_s=2.5,
    verify_queue_s=7.5,
    force_clear_after_s=2.0,
    backoff_initial_s=3.0,
    budget_actions=40,
    budget_window_s=60.0,
)

ZOMBIE_TIMEOUT_S = 1.5
"""The zombie run's own timeout, after which it is aborted and does not care."""
SLOW_TOKEN_S = THRESHOLDS.warn_after_s / 2
HUNG_TOOL_ALLOWANCE_S = 3.0
LONG_TOOL_S = 20.0
LONG_TOOL_ALLOWANCE_S = 60.0
SLOW_STREAM_TOKENS = 30
APPROVAL_DEADLINE_S = 120.0
BLOCK_S = 3 * THRESHOLDS.abort_after_s
HEARTBEAT_EVERY_S = 2.0
HEARTBEAT_PATIENCE_S = 1.0
