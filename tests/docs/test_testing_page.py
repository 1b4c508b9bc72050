"""The example of `docs/testing.md` prints what the page says, and the page names everything that is public."""

import re
from pathlib import Path
from typing import Any

import pytest

from livewatch import testing

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")


def test_the_example_clears_its_zombie(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (promised,) = re.findall(r"It prints `(.*?)`", PAGE)
    names: dict[str, Any] = {"__name__": "example"}

    exec(compile(example, "docs/testing.md", "exec"), names)

    assert capsys.readouterr().out == f"{promised}\n"


def test_every_public_name_is_on_the_page() -> None:
    assert [name for name in testing.__all__ if name not in PAGE] == []
