"""Pure judgement: frozen facts in, verdicts out. No clock, no I/O, no third-party import."""

from livewatch_classifiers.blindtime import BlindTime
from livewatch_classifiers.model import (
    Activity,
    BlockedStack,
    GatewayIdentity,
    Lane,
    Run,
    Session,
    Snapshot,
    Vitals,
    Wait,
)
from livewatch_classifiers.session import classify_session
from livewatch_classifiers.thresholds import Limits, Override, Thresholds
from livewatch_classifiers.verdict import Evidence, Verdict, VitalsVerdict
from livewatch_classifiers.vitals import classify_vitals

__all__ = [
    "Activity",
    "BlindTime",
    "BlockedStack",
    "Evidence",
    "GatewayIdentity",
    "Lane",
    "Limits",
    "Override",
    "Run",
    "Session",
    "Snapshot",
    "Thresholds",
    "Verdict",
    "Vitals",
    "VitalsVerdict",
    "Wait",
    "classify_session",
    "classify_vitals",
]
