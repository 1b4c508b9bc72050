"""What a gateway embeds to be watched: standard library only, no lock and no blocking call on the hot path."""

from livewatch.probe.levers import DropReason, Levers, Refused
from livewatch.probe.probe import Probe
from livewatch.probe.run import Activity, Run, Waiting
from livewatch.probe.session import Session

__all__ = ["Activity", "DropReason", "Levers", "Probe", "Refused", "Run", "Session", "Waiting"]
