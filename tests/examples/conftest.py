import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.examples.stage import ExampleStage


@pytest.fixture(name="stage")
def fixture_stage() -> Generator[ExampleStage]:
    with tempfile.TemporaryDirectory(prefix="lw") as name:  # pytest's own folders are too long for UNIX sockets
        stage = ExampleStage(Path(name))
        yield stage
        stage.close()
