"""The words from which queries are made: what the catalogue does not have cannot be written."""

import pytest

from boards import queries as q
from livewatch_exporters import attributes as a
from livewatch_exporters import catalogue as c


@pytest.mark.parametrize(
    ("write", "problem"),
    [
        (lambda: q.eq(a.ATTENTION, "dead"), "'dead' is not a value of livewatch.session.attention"),
        (lambda: q.one_of(a.GATE, "budget", "luck"), "'luck' is not a value of livewatch.recovery.gate"),
        (lambda: q.failed(a.OUTCOME), "livewatch.recovery.outcome is always present"),
        (lambda: q.rate(c.TARGET_UP), "livewatch.target.up is a gauge"),
        (lambda: q.series(c.TARGET_RESTARTS, part="_bucket"), "livewatch_target_restarts_total_bucket is not among"),
        (lambda: q.series(c.EVENTLOOP_DELAY), "livewatch_eventloop_delay_seconds is not among"),
    ],
)
def test_a_query_that_the_catalogue_does_not_know_cannot_be_written(write: object, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        write()  # type: ignore[operator] -- lambdas in a list


def test_a_query_obeys_the_variables_that_its_metric_has() -> None:
    assert q.series(c.TARGET_UP) == (
        'livewatch_target_up{job=~"$job",instance=~"$instance",livewatch_target_name=~"$target"}'
    )
    assert q.rate(c.SAMPLER_OVERRUNS) == (
        'rate(livewatch_sampler_overruns_total{job=~"$job",instance=~"$instance"}[$__rate_interval])'
    )
