"""Every test is in one tier, and every file of tests is run by a target that CI or the night runs."""

import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from tests.tiers import TIERS, ProcessGuard, missing, tier_of_file

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_each_test_is_in_exactly_one_tier() -> None:
    two = (f"({one} and {other})" for one, other in combinations(TIERS, 2))
    wrong = " or ".join((f"not ({' or '.join(TIERS)})", *two))
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:randomly", "-m", wrong]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, ended.stdout + ended.stderr
    (deselected,) = re.findall(r"no tests collected \((\d+) deselected\)", ended.stdout)
    assert int(deselected) > 3000


def test_the_tables_name_nothing_that_is_gone() -> None:
    assert missing(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")) == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/live/test_demo.py", "process"),
        ("tests/test_drift.py", "slow"),
        ("tests/openclaw/proof.py", "slow"),
        ("tests/classifiers/test_lane.py", "unit"),
    ],
)
def test_a_file_says_its_tier_by_where_it_is(path: str, expected: str) -> None:
    assert tier_of_file(path) == expected


def test_a_unit_test_that_starts_a_process_fails_where_it_does() -> None:
    guard = ProcessGuard()
    guard.install()
    guard.running = "tests/test_x.py::test_y"
    try:
        with pytest.raises(AssertionError, match=r"tests/test_x\.py::test_y starts a process"):
            subprocess.run([sys.executable, "-c", ""], check=True)
    finally:
        guard.running = None


def nightly() -> set[str]:
    """Return the targets that `make nightly` makes, those they need among them."""
    (recipe,) = re.findall(r"^nightly:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    made = [name for line in re.findall(r"\$\(MAKE\) --no-print-directory (.*)", recipe) for name in line.split()]
    return {name for name in made if re.fullmatch(r"[a-z-]+", name)}


def test_every_file_that_pytest_does_not_collect_by_itself_is_run_at_night() -> None:
    targets = dict(re.findall(r"^([a-z-]+):.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE))
    patterns = re.findall(r"tests/\S+\.py", "".join(targets[name] for name in nightly()))
    proofs = [path for path in (ROOT / "tests").rglob("*.py") if path.name.startswith(("proof", "node_server"))]
    run = {path for pattern in patterns for path in ROOT.glob(pattern)}

    assert len(proofs) >= 6
    assert set(proofs) <= run


def test_ci_and_the_night_run_every_tier_between_them() -> None:
    assert '-m "unit or process"' in MAKEFILE
    assert "make test\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (whole,) = re.findall(r"^nightly:.*\n\t@\$\(PYTEST\) (.*)", MAKEFILE, re.MULTILINE)
    assert "-m " not in whole
