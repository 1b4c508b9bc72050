"""`reference-2026.9`: the current rules.

Modelled: the table without rules 3b, 4, 5, 6 and 10; no responsive age, no corroboration from outside; recovery is
put off when its own tick is 1 s late (OpenClaw 107415, 142200); warn 120 s, abort 360 s, tools 15 min. Declared waits
are believed without looking whether they were delivered or can still end. A provider's own finite timeout travels
with the model call and lifts its limit (125388); a tool's declared timeout does not (144514). See `reference` for
what is common and simplified; the scan that is skipped on a quiet gateway (90308) is left out, in its favour, and so
is that a real gateway of this version was seen not to abort a hung model call at all.
"""

from livewatch.simulation.rulesets.reference import Reference, reference_thresholds, rules_without
from livewatch_classifiers.model import Activity
from livewatch_classifiers.vocabulary import ActivityKind

LATE_S = 1.0


class Reference2026x9(Reference):
    """The rules of September 2026."""

    name = "reference-2026.9"

    def __init__(self) -> None:
        super().__init__(rules_without("3b", "4", "5", "6", "10"), reference_thresholds(tool_abort_s=900.0))

    def known_allowance_s(self, activity: Activity) -> float | None:
        """Return the provider's ceiling of a model call."""
        return activity.allowance_s if activity.kind is ActivityKind.MODEL_CALL else None

    def defers(self, late_s: float) -> bool:
        """Return True when the own timer fired a second late or more."""
        return late_s >= LATE_S
