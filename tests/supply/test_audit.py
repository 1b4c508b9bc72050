"""What ``make audit`` says: nothing is called clean that nobody was asked about."""

from tests.supply.audit import CLEAN, INCOMPLETE, VULNERABLE, Audit

WELL = {"name": "a", "version": "1", "vulns": []}
SICK = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1"}, {"id": "PYSEC-2"}]}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found on PyPI"}


def test_only_who_was_asked_about_can_be_clean() -> None:
    codes = {
        "all asked": Audit.of({"dependencies": [WELL]}).code,
        "one vulnerable": Audit.of({"dependencies": [WELL, SICK, UNKNOWN]}).code,
        "one not asked": Audit.of({"dependencies": [WELL, UNKNOWN]}).code,
        "none asked": Audit.of({"dependencies": [UNKNOWN]}).code,
        "nothing there": Audit.of({"dependencies": []}).code,
    }
    assert codes == {
        "all asked": CLEAN,
        "one vulnerable": VULNERABLE,
        "one not asked": INCOMPLETE,
        "none asked": INCOMPLETE,
        "nothing there": INCOMPLETE,
    }


def test_it_says_what_was_run_and_what_was_not() -> None:
    assert Audit.of({"dependencies": [WELL, SICK, UNKNOWN]}).lines() == [
        "asked about 2 of 3 pinned packages",
        "VULNERABLE  b 2: PYSEC-1, PYSEC-2",
        "NOT ASKED: c",
        "why: Dependency not found on PyPI",
    ]
    assert Audit.of({"dependencies": [UNKNOWN]}).lines()[1] == "NOT RUN: nobody answered for any of them"
    assert Audit.of({"dependencies": [WELL]}).lines()[1] == "nothing is known against those"
