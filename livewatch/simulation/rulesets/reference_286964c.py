"""`reference-286964c`: the seed commit's gateway, with its fixed 30 s tick.

Modelled: rules 1, 8, 9, 11 and 13 to 16 of the table, warn 120 s, abort 360 s for everything, tools included; the
idle-and-queued orphan is released; a processing orphan is not. It knows no declared waits, no scheduled retries and
no repetition. Recovery runs on every tick, however late. See `reference` for what is common and simplified.
"""

from livewatch.simulation.rulesets.reference import Reference, reference_thresholds, rules_without
from livewatch_classifiers.model import Session


class Reference286964c(Reference):
    """The rules of the seed commit."""

    name = "reference-286964c"

    def __init__(self) -> None:
        rules = rules_without("2", "3", "3b", "4", "5", "6", "7", "10", "12")
        super().__init__(rules, reference_thresholds(tool_abort_s=360.0))

    def known_wait(self, session: Session) -> bool:
        """Return False: this version has no notion of declared waits."""
        del session
        return False
