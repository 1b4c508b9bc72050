"""Each promise of the README's "What it will never do to you" is held by a test that exists."""

import ast
import re
from pathlib import Path

import pytest

from tests.invariants import ROOT, holders

_HEADING = "## What it will never do to you\n"
_RULES = re.compile(r"\[rules? ([\d, and]+)\]\(docs/invariants\.md\)")
_TEST = re.compile(r"\[`(test_\w+)`\]\((tests/[\w/]+\.py)\)")


def promises(readme: str) -> list[str]:
    """Return the items of the section, each in one line."""
    section = readme.partition(_HEADING)[2].partition("\n## ")[0]
    items = re.findall(r"^\* (.+(?:\n  .+)*)", section, re.MULTILINE)
    return [" ".join(item.split()) for item in items]


def named_rules(promise: str) -> set[int]:
    """Return the numbers of the invariants that a promise names."""
    return {int(number) for named in _RULES.findall(promise) for number in re.findall(r"\d+", named)}


def named_tests(promise: str) -> list[tuple[str, str]]:
    """Return the tests that a promise names, each with its file."""
    return _TEST.findall(promise)


def defined(path: Path) -> set[str]:
    """Return the names of the functions in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


PROMISES = promises((ROOT / "README.md").read_text(encoding="utf-8"))


def test_the_section_has_its_promises() -> None:
    assert len(PROMISES) >= 8


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.partition(".")[0][:60])
def test_a_promise_is_held_by_a_test_that_exists(promise: str) -> None:
    held = holders()

    assert named_rules(promise) or named_tests(promise), "it names neither a rule nor a test"
    assert named_rules(promise) <= set(held)
    assert [name for name, file in named_tests(promise) if name not in defined(ROOT / file)] == []


def test_rules_and_tests_are_read_from_a_promise_of_several_lines() -> None:
    item = "* Do harm. ([rules 2 and 16](docs/invariants.md),\n  [`test_x`](tests/a/test_b.py))\n"
    (promise,) = promises(f"{_HEADING}\n{item}\n## Next\n* Not this.\n")

    assert named_rules(promise) == {2, 16}
    assert named_tests(promise) == [("test_x", "tests/a/test_b.py")]
    assert named_rules("Nothing is named.") == set()
