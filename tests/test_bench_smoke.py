"""The benchmark still runs and says something about everything; how fast is for people to read."""

import json
from pathlib import Path

from click.testing import CliRunner

from tests.bench.__main__ import main
from tests.bench.figures import Figure
from tests.bench.growth_plot import write_plot


def test_a_quick_benchmark_has_figures_of_every_kind_and_draws_its_plot(tmp_path: Path) -> None:
    plot = tmp_path / "tick.svg"

    result = CliRunner().invoke(main, ["--quick", "--json", "--plot", str(plot)], catch_exceptions=False)

    figures = {figure["name"]: figure for figure in json.loads(result.stdout)["figures"]}
    assert {"full scan of 1,000", "tick of 1,000, 1% progressed", "livewatch --help", "RSS, interpreter"} <= set(
        figures
    )
    assert figures["detection, livewatch, slowest of 100"]["median"] <= 1.0
    assert plot.read_text(encoding="utf-8").count("<polyline") == 6


def test_the_plot_has_a_line_for_each_kind_of_tick_up_to_a_million(tmp_path: Path) -> None:
    sizes, kinds = (1_000, 10_000, 100_000, 1_000_000), ("full scan of {}", "tick of {}, 0% progressed")
    figures = [Figure(kind.format(f"{size:,}"), size / 1e3, 0, 0, "ms", "", 1) for kind in kinds for size in sizes]

    write_plot(tmp_path / "p.svg", figures, sizes)

    drawn = (tmp_path / "p.svg").read_text(encoding="utf-8")
    assert drawn.count("<polyline") == 2
    assert ">tick of N, 0% progressed<" in drawn
    assert ">1,000,000<" in drawn
