"""The ledger of messages: what was accepted is answered exactly once, and the books prove it."""

import itertools
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from uuid import uuid4

_ANSWERS_KEPT = 50_000


class AnswerStatus(StrEnum):
    """How a message ended."""

    OK = "ok"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """The one answer to a message."""

    id: str
    session: str
    status: AnswerStatus
    text: str


class Ledger:
    """Counts accepted, answered, duplicated and late; keeps the latest answers for whoever asks."""

    def __init__(self) -> None:
        self.accepted = 0
        self.answered = 0
        self.duplicated = 0
        """Answers given to a message that had one already. Must stay 0."""
        self.suppressed = 0
        """Late results of runs that had been cleared; they were not sent."""
        self._open: dict[str, str] = {}
        self._answers: deque[Answer] = deque(maxlen=_ANSWERS_KEPT)

    @property
    def unanswered(self) -> int:
        """How many accepted messages have no answer yet."""
        return len(self._open)

    def accept(self, session: str, message_id: str | None = None) -> str:
        """Enter one message and return its id."""
        message_id = message_id or uuid4().hex
        self.accepted += 1
        self._open[message_id] = session
        return message_id

    def answer(self, message_id: str, status: AnswerStatus, text: str) -> None:
        """Enter the answer of one message."""
        session = self._open.pop(message_id, None)
        if session is None:
            self.duplicated += 1
            return
        self.answered += 1
        self._answers.append(Answer(message_id, session, status, text))

    def answers(self, since: int) -> tuple[int, list[Answer]]:
        """Return the answers after the first ``since`` ones, and the number to ask with next."""
        first = self.answered - len(self._answers)
        return self.answered, list(itertools.islice(self._answers, max(0, since - first), None))
