"""Which tests hold which invariant: read from the markers, written into the last column of `docs/invariants.md`.

Run by ``make invariants``. The other columns of the page are written by hand.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "invariants.md"
_ROW = re.compile(r"^\| (?P<number>\d+) \| (?P<rule>[^|]+) \| (?P<reports>[^|]+) \| (?P<tests>[^|]*) \|$", re.MULTILINE)


def marked(source: str) -> Iterator[tuple[int, str]]:
    """Yield the number of an invariant and the name of a test that holds it, as decorators in ``source`` say."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.invariant":
                    yield int(ast.literal_eval(decorator.args[0])), node.name


def holders() -> dict[int, list[str]]:
    """Return the tests of each invariant, in the order of their files."""
    found: dict[int, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for number, name in marked(path.read_text(encoding="utf-8")):
            found.setdefault(number, []).append(name)
    return found


def numbers(page: str) -> list[int]:
    """Return the numbers of the rules on the page, in its order."""
    return [int(row["number"]) for row in _ROW.finditer(page)]


def with_tests(page: str, tests: dict[int, list[str]]) -> str:
    """Return the page with the last column written anew."""

    def row(old: re.Match[str]) -> str:
        names = ", ".join(f"`{name}`" for name in tests.get(int(old["number"]), []))
        return f"| {old['number']} | {old['rule']} | {old['reports']} | {names} |"

    return _ROW.sub(row, page)


if __name__ == "__main__":
    PAGE.write_text(with_tests(PAGE.read_text(encoding="utf-8"), holders()), encoding="utf-8")
