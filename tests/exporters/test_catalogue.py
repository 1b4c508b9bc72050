"""The catalogue's own rules, and the page that is made from it."""

import re
from math import prod
from pathlib import Path

from livewatch_exporters.cardinality import LIMIT
from livewatch_exporters.catalogue import CATALOGUE
from livewatch_exporters.metric_spec import Instrument
from livewatch_exporters.metrics_page import page

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_catalogue_says() -> None:
    written = (ROOT / "docs" / "METRICS.md").read_text(encoding="utf-8")
    assert written == page(), "run: python -m livewatch_exporters.metrics_page > docs/METRICS.md"


def test_every_metric_has_one_name_and_one_way_to_be_read() -> None:
    names = [spec.name for spec in CATALOGUE]
    assert len(set(names)) == len(names)
    assert len({spec.prometheus_name for spec in CATALOGUE}) == len(names)
    for spec in CATALOGUE:
        assert re.fullmatch(r"livewatch(\.[a-z][a-z_]*)+", spec.name), spec.name
        assert spec.description.endswith(".")
        assert (spec.buckets is not None) == (spec.instrument is Instrument.HISTOGRAM), spec.name


def test_no_metric_has_the_unit_that_gets_two_names() -> None:
    assert not [spec.name for spec in CATALOGUE if spec.unit in ("", "1")]


def test_no_gauge_has_a_name_that_prometheus_keeps_for_counters_or_histograms() -> None:
    gauges = [s.prometheus_name for s in CATALOGUE if s.instrument in (Instrument.GAUGE, Instrument.UP_DOWN_COUNTER)]
    assert not [name for name in gauges if name.endswith(("_count", "_total", "_sum", "_bucket", "_info"))]


def test_no_metric_can_have_more_points_than_the_limit() -> None:
    for spec in CATALOGUE:
        assert prod(len(attribute.values) for attribute in spec.attributes if attribute.values is not None) <= LIMIT


def test_nothing_names_a_session_a_run_or_a_path() -> None:
    attributes = {attribute.name for spec in CATALOGUE for attribute in spec.attributes}
    assert not [name for name in attributes if re.search(r"key|run|path|\bid\b|handle", name)]


def test_a_value_outside_its_closed_set_becomes_other() -> None:
    attribute = next(a for spec in CATALOGUE for a in spec.attributes if a.name == "livewatch.heartbeat.reason")
    assert attribute.close("lane_busy") == "lane_busy"
    assert attribute.close("agent:main:main") == "_OTHER"
