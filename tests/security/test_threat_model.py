"""Each row of the threat model is proved by tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROWS = [row.strip("| ").split(" | ") for row in TEXT.splitlines() if row.startswith("| ")]
PROVED = [cells for cells in ROWS if len(cells) > 3 and "test that proves it" not in cells[-1]]


def existing() -> set[str]:
    trees = (ast.parse(path.read_text("utf-8")) for path in (ROOT / "tests").rglob("test_*.py"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, functions)}


EXISTING = existing()


def test_there_are_rows() -> None:
    assert len(PROVED) > 15


@pytest.mark.parametrize("cells", PROVED, ids=lambda cells: f"{cells[0]}: {cells[1]}"[:70])
def test_a_row_is_proved_by_tests_that_exist(cells: list[str]) -> None:
    named = set(re.findall(r"`(test_\w+)`", cells[-1]))
    assert named
    assert named <= EXISTING


def test_every_test_that_the_text_names_exists() -> None:
    assert set(re.findall(r"`(test_\w+)`", TEXT)) <= EXISTING
