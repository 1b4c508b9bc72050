"""The catalogue's own rules, and the page that is made from it."""

import re
from pathlib import Path

from livewatch_classifiers.vocabulary import Attention, Reason
from livewatch_exporters.attributes import REASONS
from livewatch_exporters.cardinality import LIMIT
from livewatch_exporters.catalogue import CATALOGUE
from livewatch_exporters.metric_spec import Instrument
from livewatch_exporters.metrics_page import page

SERIES_PROMISED = 1300
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
        assert spec.points_max <= LIMIT


def test_one_gateway_costs_fewer_series_than_people_were_promised() -> None:
    assert sum(spec.series_max for spec in CATALOGUE) <= SERIES_PROMISED


def test_every_reason_of_a_session_goes_with_a_label() -> None:
    of_sessions = {reason for reason in Reason if not reason.startswith("target_")}
    assert {reason for reasons in REASONS.values() for reason in reasons} == of_sessions
    assert set(REASONS) == set(Attention)


def test_the_values_that_go_together_are_values_of_their_attributes() -> None:
    for spec in CATALOGUE:
        if spec.pairs is None:
            continue
        first, second = spec.attributes[-2:]
        assert set(spec.pairs) <= set(first.values or ()), spec.name
        assert {v for values in spec.pairs.values() for v in values} - {""} <= set(second.values or ()), spec.name


def test_nothing_names_a_session_a_run_or_a_path() -> None:
    attributes = {attribute.name for spec in CATALOGUE for attribute in spec.attributes}
    assert not [name for name in attributes if re.search(r"key|run|path|\bid\b|handle", name)]


def test_a_value_outside_its_closed_set_becomes_other() -> None:
    attribute = next(a for spec in CATALOGUE for a in spec.attributes if a.name == "livewatch.heartbeat.reason")
    assert attribute.close("lane_busy") == "lane_busy"
    assert attribute.close("agent:main:main") == "_OTHER"
