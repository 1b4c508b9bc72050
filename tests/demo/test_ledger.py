import pytest

from livewatch.demo import ledger as ledger_module
from livewatch.demo.ledger import AnswerStatus, Ledger


def test_a_second_answer_is_counted_and_not_handed_out() -> None:
    books = Ledger()
    message = books.accept("a")
    books.answer(message, AnswerStatus.OK, "first")
    books.answer(message, AnswerStatus.OK, "second")
    assert [answer.text for answer in books.answers(0)[1]] == ["first"]
    assert (books.accepted, books.answered, books.duplicated, books.unanswered) == (1, 1, 1, 0)


def test_reading_on_gives_each_answer_once() -> None:
    books = Ledger()
    ids = [books.accept("a") for _ in range(4)]
    for message in ids[:3]:
        books.answer(message, AnswerStatus.OK, "")
    following, first = books.answers(0)
    books.answer(ids[3], AnswerStatus.FAILED, "")
    assert [answer.id for answer in first] == ids[:3]
    assert [answer.id for answer in books.answers(following)[1]] == ids[3:]
    assert books.answers(4)[1] == []


def test_old_answers_are_forgotten_and_the_numbers_stay_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "_ANSWERS_KEPT", 2)
    books = Ledger()
    for text in "abcd":
        books.answer(books.accept("s"), AnswerStatus.OK, text)
    assert [answer.text for answer in books.answers(0)[1]] == ["c", "d"]
    assert [answer.text for answer in books.answers(3)[1]] == ["d"]
