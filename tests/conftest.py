"""What every test shares: nothing of the user or the shell that runs them."""

import os
import signal
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """Let processes under test end by Ctrl-C: a shell starts what runs in its background with SIGINT ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
