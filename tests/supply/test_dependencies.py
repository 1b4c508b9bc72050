"""Every dependency is bounded on both sides, explained in one table, and pinned; and nothing else is."""

import importlib.metadata
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from bill_of_materials import DEVELOPMENT, Pin, normalised, run_time_pins

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
RUN_TIME = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
BESIDES = [
    Requirement(text)
    for texts in (*PROJECT["project"]["optional-dependencies"].values(), PROJECT["build-system"]["requires"])
    for text in texts
]
EVERY = pytest.mark.parametrize("requirement", [*RUN_TIME, *BESIDES], ids=str)


def pinned() -> dict[str, str]:
    pins = (line.partition("#")[0].strip() for line in CONSTRAINTS.splitlines())
    return {normalised(name): version for name, _, version in (pin.partition("==") for pin in pins if pin)}


def explained() -> dict[str, str]:
    """Return the reason for each package in the tables of "Dependencies"."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Dependencies")[2]
    rows = [row.strip("| ").split("|") for row in text.splitlines() if row.startswith("| ")]
    return {normalised(name.strip()): why.strip() for names, why in rows for name in names.split(",")}


def needed_by() -> dict[str, set[str]]:
    """Return what livewatch runs with, and who needs it, as the installed packages themselves say."""
    found: dict[str, set[str]] = {}
    todo = [("livewatch", requirement) for requirement in RUN_TIME]
    seen: set[tuple[str, str]] = set()
    while todo:
        who, requirement = todo.pop()
        name = normalised(requirement.name)
        found.setdefault(name, set()).add(who)
        if (name, str(sorted(requirement.extras))) in seen:
            continue
        seen.add((name, str(sorted(requirement.extras))))
        for text in importlib.metadata.requires(name) or []:
            needs = Requirement(text)
            if needs.marker is None or any(needs.marker.evaluate({"extra": e}) for e in ("", *requirement.extras)):
                todo.append((name, needs))
    return found


@EVERY
def test_a_dependency_has_a_lower_and_an_upper_bound(requirement: Requirement) -> None:
    operators = {bound.operator for bound in requirement.specifier}
    assert operators in ({"=="}, {">=", "<"}), f"{requirement}: write >=OLDEST,<NEXT or ==EXACT"


@EVERY
def test_a_dependency_has_its_reason_in_the_table(requirement: Requirement) -> None:
    assert explained().get(normalised(requirement.name)), f"{requirement.name} has no row in CONTRIBUTING.md"


@EVERY
def test_a_dependency_is_pinned_within_its_bounds(requirement: Requirement) -> None:
    version = pinned().get(normalised(requirement.name))
    assert version, f"{requirement.name} is not in constraints.txt"
    assert requirement.specifier.contains(version, prereleases=True)


def test_the_table_explains_nothing_that_is_not_there() -> None:
    known = {normalised(requirement.name) for requirement in (*RUN_TIME, *BESIDES)}
    assert set(explained()) - {"package", "---"} == known


def test_everything_installed_with_livewatch_is_pinned_with_who_needs_it_and_nothing_else_is() -> None:
    pins = {pin.name: set(pin.via) for pin in run_time_pins(CONSTRAINTS)}
    assert pins == needed_by()


def test_the_tests_run_with_the_versions_that_are_pinned() -> None:
    installed = {pin.name: importlib.metadata.version(pin.name) for pin in run_time_pins(CONSTRAINTS)}
    assert installed == {pin.name: pin.version for pin in run_time_pins(CONSTRAINTS)}


def test_every_line_is_an_exact_pin_and_no_package_stands_twice() -> None:
    lines = [line for line in CONSTRAINTS.splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if not re.match(r"[A-Za-z0-9._-]+==[0-9]\S*(  # via \S.*)?$", line)] == []
    assert len(pinned()) == len(lines)
    assert DEVELOPMENT in CONSTRAINTS


@pytest.mark.parametrize("line", ["click==8.5.1", "click>=8  # via livewatch", "click"])
def test_a_run_time_line_that_does_not_say_all_stops_the_build(line: str) -> None:
    with pytest.raises(ValueError, match=re.escape(line)):
        run_time_pins(f"# What livewatch runs with.\n{line}\n{DEVELOPMENT}\n")
    with pytest.raises(ValueError, match="nothing stands below"):
        run_time_pins(f"{DEVELOPMENT}\n{line}\n")


def test_a_pin_is_named_as_package_indexes_name_it() -> None:
    (pin,) = run_time_pins("# What livewatch runs with.\nTyping_Ext.ensions==1  # via A_b, c\n")
    assert pin == Pin("typing-ext-ensions", "1", ("a-b", "c"))
    assert pin.purl == "pkg:pypi/typing-ext-ensions@1"
