"""The documents of ``/livez`` and ``/readyz``: about the agent alone, whatever the gateway does."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from livewatch import __version__
from livewatch.supervision.pulse import Phase, Pulse

SCHEMA_VERSION = 1
Answer = tuple[HTTPStatus, dict[str, Any]]


def livez(pulse: Pulse) -> Answer:
    """Return whether the agent ticks; 503 asks its supervisor to start it anew."""
    if pulse.alive:
        return HTTPStatus.OK, _document(pulse, ok=True)
    return _refusal(pulse, "not_ticking", f"no tick ended for {pulse.age_s:.1f} s, bound {pulse.bound_s:g} s")


def readyz(pulse: Pulse) -> Answer:
    """Return whether the agent does its work: all services open, first tick done, not ending."""
    if pulse.ready:
        return HTTPStatus.OK, _document(pulse, ok=True)
    if not pulse.alive:
        return livez(pulse)
    why = "it is ending" if pulse.phase is Phase.STOPPING else "the first tick is not done"
    return _refusal(pulse, pulse.phase.value if pulse.phase is not Phase.OPEN else Phase.OPENING.value, why)


PAGES: Mapping[str, Callable[[Pulse], Answer]] = {"/livez": livez, "/readyz": readyz}


def _refusal(pulse: Pulse, kind: str, message: str) -> Answer:
    return HTTPStatus.SERVICE_UNAVAILABLE, _document(pulse, ok=False) | {"error": {"type": kind, "message": message}}


def _document(pulse: Pulse, *, ok: bool) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "ok": ok,
        "version": __version__,
        "phase": pulse.phase.value,
        "ticks": pulse.ticks,
        "age_s": round(pulse.age_s, 3),
        "bound_s": pulse.bound_s,
    }
