"""Each of the twenty-two invariants of recovery is held by tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = {
    int(row[1]): re.findall(r"`(test_\w+)`", row[0])
    for row in re.finditer(r"^\| (\d+) \|.*$", (ROOT / "docs" / "invariants.md").read_text("utf-8"), re.MULTILINE)
}


def _tests() -> set[str]:
    trees = (ast.parse(path.read_text("utf-8")) for path in (ROOT / "tests").rglob("test_*.py"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, functions)}


EXISTING = _tests()


def test_there_are_twenty_two() -> None:
    assert sorted(ROWS) == list(range(1, 23))


@pytest.mark.parametrize("number", sorted(ROWS))
def test_an_invariant_is_held_by_tests_that_exist(number: int) -> None:
    assert ROWS[number]
    assert set(ROWS[number]) <= EXISTING
