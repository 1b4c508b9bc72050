"""The benchmark still runs and says something about everything; how fast is for people to read."""

import json
from pathlib import Path

from click.testing import CliRunner

from tests.bench.__main__ import main


def test_a_quick_benchmark_has_figures_of_every_kind_and_draws_its_plot(tmp_path: Path) -> None:
    plot = tmp_path / "tick.svg"

    result = CliRunner().invoke(main, ["--quick", "--json", "--plot", str(plot)], catch_exceptions=False)

    figures = {figure["name"]: figure for figure in json.loads(result.stdout)["figures"]}
    assert {"full scan of 1,000", "tick of 1,000, 1% progressed", "livewatch --help", "RSS, interpreter"} <= set(
        figures
    )
    assert figures["detection, livewatch, slowest of 100"]["median"] <= 1.0
    assert plot.read_text(encoding="utf-8").count("<polyline") == 6
