"""Each of the twenty-two invariants of recovery is held by tests, and the page names exactly these."""

import pytest

from tests.invariants import PAGE, holders, marked, numbers, with_tests

HOLDERS = holders()
TEXT = PAGE.read_text(encoding="utf-8")
RULES = range(1, 23)


def test_there_are_twenty_two() -> None:
    assert numbers(TEXT) == list(RULES)


@pytest.mark.parametrize("number", RULES)
def test_an_invariant_is_held_by_a_test(number: int) -> None:
    assert HOLDERS.get(number), f"no test is marked pytest.mark.invariant({number})"


def test_no_test_holds_an_invariant_that_is_not_on_the_page() -> None:
    assert set(HOLDERS) <= set(RULES)


def test_the_page_is_what_the_markers_say() -> None:
    assert with_tests(TEXT, HOLDERS) == TEXT, "run: make invariants"


def test_a_marker_is_found_beside_others_and_on_a_coroutine() -> None:
    source = "@pytest.mark.slow\n@pytest.mark.invariant(3)\n@pytest.mark.invariant(7)\nasync def test_x(): ...\n"

    assert list(marked(source)) == [(3, "test_x"), (7, "test_x")]
