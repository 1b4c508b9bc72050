"""What a gateway embeds to be watched: standard library only, no lock and no blocking call on the hot path."""

from livewatch.probe.drain import DrainReport
from livewatch.probe.holders import Holding, SessionContendedError, SessionFileChangedError
from livewatch.probe.levers import Check, DrainingError, DropReason, Levers, Refused
from livewatch.probe.probe import Probe
from livewatch.probe.run import Activity, Run, Waiting
from livewatch.probe.session import Session

__all__ = [
    "Activity",
    "Check",
    "DrainReport",
    "DrainingError",
    "DropReason",
    "Holding",
    "Levers",
    "Probe",
    "Refused",
    "Run",
    "Session",
    "SessionContendedError",
    "SessionFileChangedError",
    "Waiting",
]
