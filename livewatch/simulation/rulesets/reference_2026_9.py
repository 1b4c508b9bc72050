"""`reference-2026.9`: the current rules.

Modelled: the table without rules 3b, 4, 5, 6 and 10; no responsive age, no corroboration from outside; recovery is
put off when its own tick is 1 s late (OpenClaw 107415, 142200); warn 120 s, abort 360 s, tools 15 min. Declared waits
are believed without looking whether they were delivered or can still end. See `reference` for what is common and
simplified; the scan that is skipped on a quiet gateway (90308) is left out, in the reference's favour.
"""

from livewatch.simulation.rulesets.reference import Reference, reference_thresholds, rules_without

LATE_S = 1.0


class Reference2026x9(Reference):
    """The rules of September 2026."""

    name = "reference-2026.9"

    def __init__(self) -> None:
        super().__init__(rules_without("3b", "4", "5", "6", "10"), reference_thresholds(tool_abort_s=900.0))

    def defers(self, late_s: float) -> bool:
        """Return True when the own timer fired a second late or more."""
        return late_s >= LATE_S
