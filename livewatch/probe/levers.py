"""What a gateway lets livewatch do to it."""

from collections.abc import Collection
from enum import StrEnum


class Refused(Exception):  # noqa: N818 -- an answer, not an error
    """Raised by a lever that will not act; its text is the answer that the agent sees."""


class DrainingError(Exception):
    """Raised on entering a run while the gateway drains: nothing was begun, so the message is still to be done."""


class DropReason(StrEnum):
    """Why a heartbeat was not run."""

    LANE_BUSY = "lane_busy"
    RUN_ACTIVE = "run_active"
    DRAINING = "draining"
    DISABLED = "disabled"
    OTHER = "other"


class Levers:
    """Base class of a gateway's levers; each method that is not overridden is a capability the gateway lacks.

    Every lever runs on the event loop's thread, directly after the probe has checked that session, generation, run,
    handle and progress are still the ones that were judged. A lever must not await: what it changes is changed in the
    same step as the check. It returns how many lane slots it freed, or ``None`` where it does not count them.
    """

    discards: Collection[str] = frozenset()
    """Names of the levers that throw away what is queued in the session, such as ``{"evict_session"}``. livewatch pulls
    them only where its operator allows that (``allow_discard``), and says beforehand how many messages it costs."""

    def release_lane(self, session: str, cause: str) -> int | None:
        """Clear activity that nobody owns and let the lane go on; queued messages stay queued."""
        raise Refused(f"unsupported: release_lane of {session} ({cause})")

    def abort_run(self, session: str, run_id: str, cause: str) -> int | None:
        """Ask exactly this run to end."""
        raise Refused(f"unsupported: abort_run of {run_id} in {session} ({cause})")

    def force_clear(self, session: str, run_id: str, handle: str, cause: str) -> int | None:
        """Remove exactly this handle from the registry and let the lane go on."""
        raise Refused(f"unsupported: force_clear of {run_id}, {handle} in {session} ({cause})")

    def evict_session(self, session: str, cause: str) -> int | None:
        """Drop the session from memory; its queued messages go to a fresh incarnation."""
        raise Refused(f"unsupported: evict_session of {session} ({cause})")

    def correct_store(self, session: str, cause: str) -> int | None:
        """Write into the store that nothing runs in this session."""
        raise Refused(f"unsupported: correct_store of {session} ({cause})")

    def wake(self, session: str, cause: str) -> int | None:
        """Let a session look again at what it waits for."""
        raise Refused(f"unsupported: wake of {session} ({cause})")

    def drain(self, timeout_s: float) -> None:
        """Stop admission and end within ``timeout_s`` seconds."""
        raise Refused(f"unsupported: drain within {timeout_s} s")


ACTIONS = ("release_lane", "abort_run", "force_clear", "evict_session", "correct_store", "wake", "drain")


def capabilities(levers: Levers) -> list[str]:
    """Return the names of the levers that the gateway overrides."""
    return [name for name in ACTIONS if getattr(type(levers), name) is not getattr(Levers, name)]


def discarding(levers: Levers) -> list[str]:
    """Return the names of the gateway's levers that throw queued messages away.

    Raises:
        ValueError: when one is named that the gateway does not have; it would be taken for one that loses nothing.
    """
    wrong = sorted(set(levers.discards) - set(capabilities(levers)))
    if wrong:
        raise ValueError(f"discards names no lever of this gateway: {', '.join(wrong)}")
    return [name for name in ACTIONS if name in levers.discards]
