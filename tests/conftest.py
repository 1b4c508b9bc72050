"""What every test shares: nothing of the user who runs them."""

import os
from pathlib import Path

import pytest


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
