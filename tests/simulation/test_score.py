"""The figures of the data sheet, on worlds small enough to count by hand."""

from pathlib import Path
from statistics import median

import pytest

from livewatch.durations import format_duration
from livewatch.simulation.data_sheet import data_sheet, summary_table
from livewatch.simulation.record import Mark, Record
from livewatch.simulation.runner import Run, run_scenario, scenario_files
from livewatch.simulation.schema import load_scenario, read_scenario
from livewatch.simulation.score import mistakes, score
from livewatch.simulation.truth import Affliction, Fault
from tests.simulation.library import LIBRARY, ROOT

SCENARIO = read_scenario(Path("one.toml"), 'title = "t"\nduration = "1h"\n[sessions.s]\n')
SICK, WELL = "stalled", "none"


def a_run(labels: list[Mark], afflictions: list[Affliction]) -> Run:
    record = Record(duration_s=3600.0, labels={"s": labels}, afflictions=afflictions, session_s=3600.0)
    return Run(SCENARIO, "livewatch", record, ())


def died(since_s: float, until_s: float | None, detected_s: float | None = None) -> Affliction:
    return Affliction("s", Fault.HUNG_TOOL, since_s, until_s=until_s, detected_s=detected_s)


def test_times_count_from_the_death() -> None:
    total = score("livewatch", [a_run([Mark(0, WELL)], [died(100, 500, detected_s=220)])]).total

    assert (total.deaths, total.detected, total.repaired) == (1, 1, 1)
    assert (total.detection_s, total.repair_s) == ([120], [400])


def test_a_death_of_which_only_a_person_was_told_is_neither_repaired_nor_never() -> None:
    told = died(100, None)
    told.told_s = 300

    row = summary_table([score("livewatch", [a_run([Mark(0, WELL)], [told])])])[-1]

    assert row.startswith("| livewatch | 1 | 0 | 1 | 0 |")


@pytest.mark.parametrize(
    ("labels", "afflictions", "expected"),
    [
        ([Mark(0, WELL), Mark(600, SICK), Mark(660, WELL)], [], [60]),
        ([Mark(0, WELL), Mark(600, SICK), Mark(660, WELL)], [died(500, 640)], []),
        ([Mark(0, WELL), Mark(3000, SICK)], [], [600]),
        ([Mark(0, WELL)], [died(500, None)], []),
    ],
)
def test_a_mistake_is_a_sick_label_on_a_session_that_was_alive(
    labels: list[Mark], afflictions: list[Affliction], expected: list[float]
) -> None:
    assert mistakes(a_run(labels, afflictions).record) == expected


def test_mistakes_recur_per_session_hour() -> None:
    labels = [Mark(0, WELL), Mark(600, SICK), Mark(660, WELL), Mark(1200, SICK), Mark(1230, WELL)]

    assert score("livewatch", [a_run(labels, [])]).mistakes.recurrence_h == pytest.approx(0.5)


def test_the_data_sheet_has_a_row_per_fault_and_a_column_per_rule_set() -> None:
    ours = score("livewatch", [a_run([Mark(0, WELL)], [died(100, 500, detected_s=220)])])
    theirs = score("timeout-only", [a_run([Mark(0, WELL)], [died(100, None)])])

    sheet = data_sheet([ours, theirs], 1.0)

    assert "| fault | livewatch | timeout-only |" in sheet
    assert "| hung_tool | 2m00s / 2m00s (1/1) | - (0/1) |" in sheet


@pytest.mark.slow
def test_the_published_figures_of_livewatch_are_those_of_today() -> None:
    ours = score("livewatch", (run_scenario(load_scenario(path)) for path in scenario_files((LIBRARY,))))
    (row,) = summary_table([ours])[2:]

    assert row in (ROOT / "docs" / "data-sheet.md").read_text(encoding="utf-8"), "run: make data-sheet"
    total = ours.total
    never = total.deaths - total.repaired - total.told
    facts = (
        f"| {total.deaths} | {total.repaired} | {total.told} | {never} | {format_duration(median(total.repair_s))} |"
    )
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"| **livewatch** {facts} {ours.false_actions} | {ours.lost} |" in readme, "correct README.md"
