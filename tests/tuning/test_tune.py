"""From silences to limits, a table, a picture and a fragment that `livewatch run` takes."""

import json
import xml.etree.ElementTree as ET
from array import array
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner, Result

from livewatch.cli import tune as command
from livewatch.configuration.load import load_settings
from livewatch.recordings.files import Recording
from livewatch.simulation.runner import run_scenario
from livewatch.simulation.schema import load_scenario
from livewatch.simulation.trace import TraceWriter
from livewatch.tuning.bounds import WEEK_S
from livewatch.tuning.recommendation import Advice, Wanted, advise
from livewatch.tuning.report import document, fragment, lines
from livewatch.tuning.silences import Sample, Silences, silences
from livewatch.tuning.svg import svg
from livewatch_classifiers import Activity, Session, Thresholds
from livewatch_classifiers.vocabulary import ActivityKind

LIBRARY = Path(__file__).parents[1] / "scenarios"
MODEL, TOOL = ActivityKind.MODEL_CALL, ActivityKind.TOOL_CALL


def sample(kind: ActivityKind, *lengths_s: float, name: str = "", short: int = 1000) -> Sample:
    alive = array("d", sorted([0.5] * short + list(lengths_s)))
    return Sample(kind, name, alive, sessions={"s"}, runs={("s", str(number)) for number in range(40)})


def told(*samples: Sample, weeks: float = 10.0) -> Silences:
    return Silences(samples, weeks * WEEK_S, Thresholds(), since_s=0.0, until_s=weeks * WEEK_S)


def the(advice: list[Advice]) -> Advice:
    assert len(advice) == 1
    return advice[0]


def test_the_smallest_limit_is_recommended_whose_bound_is_low_enough() -> None:
    lengths = [40.0] * 50 + [100.0] * 8 + [200.0] * 2
    item = the(advise(told(sample(MODEL, *lengths)), Wanted(1.0, 7.0)))
    by_limit = {c.limit_s: c for c in item.costs}
    assert (by_limit[30.0].seen, by_limit[90.0].seen, by_limit[180.0].seen, by_limit[240.0].seen) == (60, 10, 2, 0)
    assert by_limit[90.0].upper_per_week == pytest.approx(1.696, abs=0.01)
    assert by_limit[180.0].upper_per_week == pytest.approx(0.630, abs=0.01)
    assert (item.warn_s, item.abort_s) == (45.0, 120.0)
    assert item.abort_s == next(c.limit_s for c in item.costs if c.upper_per_week <= 1.0)
    assert item.warn_s == next(c.limit_s for c in item.costs if c.upper_per_week <= 7.0)


def test_a_longer_silence_never_lowers_a_limit_and_a_smaller_budget_never_does() -> None:
    few, more = sample(MODEL, 100.0, 200.0), sample(MODEL, 100.0, 200.0, *[400.0] * 30)
    for budget in (0.5, 1.0, 5.0):
        one, other = the(advise(told(few), Wanted(budget))), the(advise(told(more), Wanted(budget)))
        assert one.abort_s is not None
        assert other.abort_s is not None
        assert one.abort_s <= other.abort_s
    limits = [the(advise(told(more), Wanted(b))).abort_s for b in (0.5, 1.0, 5.0)]
    assert limits == sorted(limits, key=lambda s: -(s or 0.0))


def test_limits_of_samples_whose_truth_is_known_are_too_low_as_rarely_as_promised() -> None:
    weeks, per_week, wrong = 6, 200, 0
    for seed in range(150):
        random = Random(seed)
        lengths = [2.0 * random.paretovariate(1.5) for _ in range(weeks * per_week)]
        item = the(advise(told(sample(MODEL, *lengths, short=0), weeks=weeks), Wanted()))
        wrong += item.abort_s is not None and per_week * (2.0 / item.abort_s) ** 1.5 > 1.0
    assert wrong <= 0.05 * 150


def test_too_few_silences_are_refused_however_long_they_were_watched() -> None:
    item = the(advise(told(sample(MODEL, short=99)), Wanted()))
    assert (item.warn_s, item.abort_s) == (None, None)
    assert item.refusal == "only 99 silences; 100 are needed"


def test_silences_of_a_few_runs_are_refused_however_many_they_are() -> None:
    alike = sample(MODEL, short=50_000)
    alike.runs.clear()
    alike.runs.add(("s", "r"))
    item = the(advise(told(alike), Wanted()))
    assert item.abort_s is None
    assert item.refusal.startswith("all of them in 1 runs; 30 are needed")


def test_too_short_a_recording_is_refused_and_says_how_much_is_missing() -> None:
    short = told(sample(MODEL), weeks=0.1)
    item = the(advise(short, Wanted()))
    assert item.abort_s is None
    assert "may still be wrong 30.0 times a week; 20d23h are needed" in item.refusal
    assert "--false-aborts 30" in item.refusal
    assert the(advise(short, Wanted(30.0, 30.0))).abort_s is not None
    assert fragment(short, advise(short, Wanted()), Wanted()) == ""


def test_beyond_the_limit_at_which_runs_were_aborted_their_fate_stays_unknown() -> None:
    aborted = sample(MODEL, *[300.0] * 2)
    aborted.unknown.extend([361.0, 362.0, 1.0])
    found = told(aborted.in_order())
    costs = {c.limit_s: c.unknown for c in the(advise(found, Wanted())).costs}
    assert (costs[2.0], costs[240.0], costs[360.0], costs[7200.0]) == (2, 2, 2, 2)
    short = sample(MODEL, *[400.0] * 30)
    short.unknown.extend([361.0, 362.0])
    assert "2 runs were aborted before that" in the(advise(told(short.in_order()), Wanted())).note


def test_silences_beyond_every_candidate_ask_for_declarations_instead() -> None:
    item = the(advise(told(sample(MODEL, *[10_000.0] * 100)), Wanted()))
    assert item.abort_s is None
    assert "declare waits and allowances" in item.refusal


def test_tools_are_never_recommended_to_be_aborted_before_the_floor() -> None:
    item = the(advise(told(sample(TOOL, 20.0)), Wanted()))
    assert item.abort_s == 900.0
    assert "floor" in item.note


def test_the_fragment_is_a_configuration_with_these_limits_and_no_others(tmp_path: Path) -> None:
    slow = sample(MODEL, *[700.0] * 30, name='odd "[model]*')
    found = told(sample(MODEL, *[700.0] * 30, 3.0), slow, sample(TOOL, 20.0))
    found.samples[0].alive.extend([0.6] * 5000)
    found = Silences(tuple(s.in_order() for s in found.samples), found.exposure_s, found.thresholds)
    wanted = Wanted(4.0, 20.0)
    advice = advise(found, wanted)
    path = tmp_path / "limits.toml"
    path.write_text(fragment(found, advice, wanted), encoding="utf-8")
    thresholds = load_settings(path, environ={}).thresholds
    for item in advice:
        limits = thresholds.limits(Session("any"), Activity(item.sample.kind, name=item.sample.name or "other"))
        assert (limits.warn_s, limits.abort_s) == (item.warn_s, item.abort_s)
    assert thresholds.limits(Session("any"), None) == Thresholds().limits(Session("any"), None)


def test_the_table_the_picture_and_the_document_say_the_same() -> None:
    found = told(sample(MODEL, 40.0, 100.0))
    advice = advise(found, Wanted())
    item = the(advice)
    text = "\n".join(lines(found, advice, Wanted()))
    assert "model_call: 1002 silences in 40 runs of 1 sessions" in text
    assert "< abort_after in force" in text
    assert "recommended" in text
    drawn = ET.fromstring(svg(advice, "Silence in <a & b>"))
    assert any("model_call (1,002)" in (node.text or "") for node in drawn.iter())
    told_again = document(found, advice, Wanted(), [])
    assert json.loads(json.dumps(told_again))["samples"][0]["recommended"]["abort_after_s"] == item.abort_s


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "trace.jsonl"
    with path.open("wb") as file:
        scenario = load_scenario(LIBRARY / "healthy/six_warnings_in_one_evening.toml")
        run_scenario(scenario, witnesses=(TraceWriter(file),))
    return path


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(command.command, [str(a) for a in arguments])


def test_a_trace_of_slow_models_gives_their_silences(trace: Path) -> None:
    found = silences(Recording(trace).entries())
    longest_s = max(max(s.alive) for s in found.samples if s.kind is MODEL and not s.name)
    assert longest_s > 120.0  # the gateway's own limit warned six times that evening


def test_the_command_refuses_an_evening_and_ends_with_1(trace: Path, tmp_path: Path) -> None:
    picture, limits = tmp_path / "p.svg", tmp_path / "limits.toml"
    ended = invoke(trace, "--plot", picture, "--fragment", limits)
    assert ended.exit_code == 1
    assert "no recommendation" in ended.output
    assert picture.exists()
    assert not limits.exists()
    answer = json.loads(invoke(trace, "--json").output)
    assert (answer["schema_version"], answer["ok"], answer["fragment"]) == (1, True, "")


def test_what_is_no_recording_is_one_line_and_2(tmp_path: Path) -> None:
    ended = invoke(tmp_path / "none")
    assert (ended.exit_code, len(ended.output.splitlines())) == (2, 1)
