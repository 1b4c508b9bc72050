"""How the model provider treats one request, chosen by the prompt's text."""

from dataclasses import dataclass
from enum import StrEnum


class Manner(StrEnum):
    """The provider's ways to answer, or not."""

    ANSWER = "answer"
    DRIP = "drip"
    SILENCE = "silence"
    HALF = "half"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One manner with its numbers."""

    manner: Manner
    tokens: int = 8
    gap_s: float = 0.02
    """Pause before each token, in seconds."""


def parse_behaviour(prompt: str) -> Behaviour:
    """Return the behaviour that a prompt asks for; any other text is simply answered.

    ``answer [TOKENS [GAP_S]]``, ``drip GAP_S [TOKENS]`` (one token every GAP_S seconds), ``silence`` (accept, never
    send a byte), ``half [TOKENS]`` (send that many tokens, then hang).
    """
    word, *numbers = prompt.split() or [""]
    try:
        values = [float(number) for number in numbers]
        manner = Manner(word)
    except ValueError:
        return Behaviour(Manner.ANSWER)
    first = values[0] if values else None
    second = values[1] if len(values) > 1 else None
    if manner is Manner.DRIP:
        return Behaviour(manner, tokens=int(second or 8), gap_s=1.0 if first is None else first)
    return Behaviour(manner, tokens=int(first or 8), gap_s=0.02 if second is None else second)
