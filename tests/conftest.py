"""What every test shares: a tier, and nothing of the user or the shell that runs them."""

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.tiers import COLLECTED, TIERS, ProcessGuard, give_tiers, longest_first, tier, tiers_of

# Under a busy core no example has a deadline, and making one is never too slow. `make nightly` asks for more of them.
settings.register_profile("suite", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", settings.get_profile("suite"), max_examples=3000)
settings.load_profile("suite")

_GUARD = ProcessGuard()
_GUARD.install()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the tiers, and let processes under test end by Ctrl-C: a shell starts its background without SIGINT."""
    for name in TIERS:
        config.addinivalue_line("markers", f"{name}: see tests/tiers.py")
    config.addinivalue_line("markers", "invariant(number): this test holds a rule of docs/invariants.md")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each test its tier, and start with those that take long."""
    give_tiers(items)
    config.stash[COLLECTED] = tiers_of(items)
    items.sort(key=longest_first)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Hold a unit test to what its tier promises, from its first fixture to its last."""
    _GUARD.running = item.nodeid if tier(item) == "unit" else None
    try:
        return (yield)
    finally:
        _GUARD.running = None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Return the report in words that xdist can send: fuzzed text holds halves of characters, which UTF-8 does not."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(autouse=True)
def fixture_nobodys_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No journal, configuration or agent of this user is found, and no variable of theirs is a setting."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith(("LIVEWATCH_", "OTEL_"))]:
        monkeypatch.delenv(name)
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    return home
