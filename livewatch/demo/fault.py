"""The faults of the demonstration; each one is a report that this project exists for."""

from enum import StrEnum


class Fault(StrEnum):
    """What can be injected into the example gateway."""

    ZOMBIE_RUN = "zombie_run"
    ORPHANED_MODEL_CALL = "orphaned_model_call"
    ORPHANED_TOOL_CALL = "orphaned_tool_call"
    HUNG_MODEL_CALL = "hung_model_call"
    HUNG_TOOL = "hung_tool"
    GHOST_SESSION = "ghost_session"
    BLOCKED_LOOP = "blocked_loop"
    SLOW_STREAM = "slow_stream"
    LONG_TOOL = "long_tool"
    APPROVAL_WAIT = "approval_wait"
