"""Rule sets to compare with: models of what gateways and third parties do today; each says what it leaves out."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from livewatch.simulation.rulesets.phi_accrual import PhiAccrual
from livewatch.simulation.rulesets.reference_2026_9 import Reference2026x9
from livewatch.simulation.rulesets.reference_286964c import Reference286964c
from livewatch.simulation.rulesets.restart_on_hang import RestartOnHang
from livewatch.simulation.rulesets.timeout_only import TimeoutOnly
from livewatch.simulation.rulesets.watcher import Watcher

RULE_SETS: Mapping[str, Callable[[], Watcher]] = MappingProxyType(
    {
        "reference-286964c": Reference286964c,
        "reference-2026.9": Reference2026x9,
        "timeout-only": TimeoutOnly,
        "restart-on-hang": RestartOnHang,
        "phi-accrual": PhiAccrual,
    }
)

__all__ = ["RULE_SETS", "Watcher"]
