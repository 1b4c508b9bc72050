"""Which tier a test is in: `unit` starts no process, `process` starts real ones, `slow` is for the night.

A marker on the test, or ``pytestmark`` in its file, says so for itself. Everything else is decided here, by file.
"""

import sys
from collections.abc import Iterable
from pathlib import PurePosixPath

import pytest

TIERS = ("unit", "process", "slow")
PROCESS = (
    "tests/cli/test_dashboards.py",
    "tests/cli/test_events.py",
    "tests/cli/test_small_commands.py",
    "tests/cli/test_top.py",
    "tests/demo/test_gateway.py",
    "tests/demo/test_gateway_process.py",
    "tests/demo/test_levers.py",
    "tests/demo/test_provider.py",
    "tests/demo/test_tools.py",
    "tests/deploy/test_compose.py",
    "tests/docs/test_embedding.py",
    "tests/doctor/test_gateway_checks.py",
    "tests/doctor/test_other_checks.py",
    "tests/doctor/test_telemetry_checks.py",
    "tests/examples/",
    "tests/exporters/test_delivery.py",
    "tests/exporters/test_independent_collector.py",
    "tests/exporters/test_otlp_transport.py",
    "tests/exporters/test_signals.py",
    "tests/faults/",
    "tests/fuzz/test_crowds.py",
    "tests/guard/test_port_owner.py",
    "tests/live/",
    "tests/local_api/test_strict_parameters.py",
    "tests/probe/test_holders.py",
    "tests/probe/test_session.py",
    "tests/public_cases/",
    "tests/recordings/test_recorder.py",
    "tests/recovery/journal/test_journal_crash.py",
    "tests/recovery/test_command.py",
    "tests/recovery/test_lease.py",
    "tests/recovery/test_rehearsal.py",
    "tests/recovery/test_restart.py",
    "tests/security/test_places.py",
    "tests/security/test_planted_secrets.py",
    "tests/security/test_service.py",
    "tests/security/test_who_may.py",
    "tests/sources/openclaw/test_certificate.py",
    "tests/sources/test_attribution.py",
    "tests/sources/test_board_slots.py",
    "tests/sources/test_board_trust.py",
    "tests/sources/test_board_vitals.py",
    "tests/sources/test_host.py",
    "tests/sources/zero_touch/test_plain_server.py",
    "tests/supply/test_wheel.py",
    "tests/test_locks.py",
    "tests/test_tiers.py",
    "tests/top/test_end.py",
    "tests/top/test_vantages.py",
)
"""Files and folders of which at least one test starts a process."""
SLOW = (
    "tests/fuzz/test_targets.py",
    "tests/simulation/test_misfortunes.py",
    "tests/simulation/test_random_worlds.py",
    "tests/simulation/test_shrink.py",
    "tests/test_bench_smoke.py",
    "tests/test_drift.py",
)
"""Figures, the statistics of the benchmark, the fuzzers' short pass: minutes, and about no single change."""
ONE_AT_A_TIME = (
    "tests/live/test_paused_agent.py",
    "tests/live/test_real_pauses.py",
    "tests/sources/test_attribution.py",
    "tests/sources/zero_touch/",
)
"""What compares real time with real time; never two of these at once."""


def tier_of_file(path: str) -> str:
    """Return the tier of a file's tests that say nothing; what is not test_* has a target of its own."""
    if path.startswith(SLOW) or not PurePosixPath(path).name.startswith("test_"):
        return "slow"
    return "process" if path.startswith(PROCESS) else "unit"


COLLECTED = pytest.StashKey[dict[str, set[str]]]()
"""The tiers of each test that was collected, chosen or not, by its id."""


def give_tiers(items: Iterable[pytest.Item]) -> None:
    """Mark each test that has no tier, and put together what must not run side by side."""
    for item in items:
        path = item.nodeid.partition("::")[0]
        if not any(item.get_closest_marker(tier) for tier in TIERS):
            item.add_marker(tier_of_file(path))
        if path.startswith(ONE_AT_A_TIME):
            item.add_marker(pytest.mark.xdist_group("real_time"))


def tiers_of(items: Iterable[pytest.Item]) -> dict[str, set[str]]:
    """Return every tier that each test is marked with."""
    return {item.nodeid: {marker.name for marker in item.iter_markers() if marker.name in TIERS} for item in items}


def tier(item: pytest.Item) -> str:
    """Return the tier of a test that has one; the nearest marker decides."""
    return next(marker.name for marker in item.iter_markers() if marker.name in TIERS)


def longest_first(item: pytest.Item) -> int:
    """Return a key that sorts what runs for seconds before what runs for milliseconds, so that no worker ends late."""
    return -TIERS.index(tier(item))


class ProcessGuard:
    """Fails a test of the tier `unit` where it starts a process."""

    _EVENTS = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"})

    def __init__(self) -> None:
        self.running: str | None = None
        """The unit test that runs now."""

    def install(self) -> None:
        """Watch this interpreter; cannot be undone, which is why it is asked for once."""
        sys.addaudithook(self._on_event)

    def _on_event(self, event: str, _: object) -> None:
        if event in self._EVENTS and self.running is not None:
            raise AssertionError(f"{self.running} starts a process: mark it pytest.mark.process (tests/tiers.py)")


def missing(paths: Iterable[str]) -> list[str]:
    """Return the entries of the tables above that match no file."""
    known = [str(PurePosixPath(path)) for path in paths]
    entries = (*PROCESS, *SLOW, *ONE_AT_A_TIME)
    return [entry for entry in entries if not any(path.startswith(entry) for path in known)]
