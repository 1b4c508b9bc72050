"""What a message asks for: a few words per step, steps separated by semicolons."""

from dataclasses import dataclass
from enum import StrEnum

from livewatch.demo.fault import Fault
from livewatch.demo.scale import (
    APPROVAL_DEADLINE_S,
    HUNG_TOOL_ALLOWANCE_S,
    LONG_TOOL_ALLOWANCE_S,
    LONG_TOOL_S,
    SLOW_STREAM_TOKENS,
    SLOW_TOKEN_S,
)


class StepKind(StrEnum):
    """What one step of a turn does."""

    MODEL = "model"
    TOOL = "tool"
    APPROVAL = "approval"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a turn."""

    kind: StepKind
    prompt: str = ""
    argv: tuple[str, ...] = ()
    allowance_s: float | None = None
    deadline_s: float = APPROVAL_DEADLINE_S


_TEXTS = {
    Fault.ZOMBIE_RUN: "silence",
    Fault.ORPHANED_MODEL_CALL: "half 3",
    Fault.ORPHANED_TOOL_CALL: "tool 0.1",
    Fault.HUNG_MODEL_CALL: "silence",
    Fault.HUNG_TOOL: f"hang {HUNG_TOOL_ALLOWANCE_S}",
    Fault.SLOW_STREAM: f"drip {SLOW_TOKEN_S} {SLOW_STREAM_TOKENS}",
    Fault.LONG_TOOL: f"wait {LONG_TOOL_S} {LONG_TOOL_ALLOWANCE_S}",
    Fault.APPROVAL_WAIT: "approval; answer 3",
}


def fault_text(fault: Fault) -> str:
    """Return the message that brings a session into the fault."""
    return _TEXTS.get(fault, "answer 1")


def parse_script(text: str) -> list[Step]:
    """Return the steps of a message; anything that is no tool and no approval is a prompt for the model.

    ``tool SECONDS`` prints, works and prints; ``wait SECONDS ALLOWANCE_S`` is a silent tool that declared how long it
    may take; ``hang ALLOWANCE_S`` never exits; ``approval`` waits for a person.
    """
    return [_step(part.strip()) for part in text.split(";") if part.strip()]


def _step(text: str) -> Step:
    word, *numbers = text.split()
    match word, numbers:
        case "tool", [seconds]:
            program = f"echo begin; sleep {float(seconds)}; echo end"
            return Step(StepKind.TOOL, argv=("sh", "-c", program), allowance_s=float(seconds) + 10.0)
        case "wait", [seconds, allowance]:
            return Step(StepKind.TOOL, argv=("sleep", str(float(seconds))), allowance_s=float(allowance))
        case "hang", [allowance]:
            return Step(StepKind.TOOL, argv=("sleep", "86400"), allowance_s=float(allowance))
        case "approval", []:
            return Step(StepKind.APPROVAL)
        case _:
            return Step(StepKind.MODEL, prompt=text)
