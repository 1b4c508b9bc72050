"""Every test is in one tier, and every file of tests is run by a target that CI or the night runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiers import COLLECTED, ProcessGuard, missing, tier_of_file

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_each_test_that_was_collected_is_in_exactly_one_tier(request: pytest.FixtureRequest) -> None:
    tiers_of = request.config.stash[COLLECTED]

    assert request.node.nodeid.partition("@")[0] in tiers_of
    assert {test: tiers for test, tiers in tiers_of.items() if len(tiers) != 1} == {}


def test_the_tables_name_nothing_that_is_gone() -> None:
    assert missing(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")) == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/live/test_demo.py", "process"),
        ("tests/test_drift.py", "slow"),
        ("tests/openclaw/proof_stuck.py", "slow"),
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
    patterns = re.findall(r"tests/\S+\.py", "".join(targets.get(name, "") for name in nightly()))
    proofs = [path for path in (ROOT / "tests").rglob("*.py") if path.name.startswith(("proof", "node_server"))]
    run = {path for pattern in patterns for path in ROOT.glob(pattern)}

    assert len(proofs) >= 6
    assert set(proofs) <= run


def test_ci_and_the_night_run_every_tier_between_them() -> None:
    assert '-m "unit or process"' in MAKEFILE
    assert "make test\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (whole,) = re.findall(r"^nightly:.*\n\t@\$\(PYTEST\) (.*)", MAKEFILE, re.MULTILINE)
    assert "-m " not in whole
