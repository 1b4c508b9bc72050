"""What was measured, one line for each fault: printed at the end, pasted into docs/openclaw.md."""

from dataclasses import dataclass, field

LEFT_ALONE = "left alone"


@dataclass(frozen=True, slots=True)
class Row:
    """One fault; times are seconds after the last sign of life of the session, or after the fault began."""

    fault: str
    seen: str
    """The worst label or state, and when it was first shown."""
    done: str = LEFT_ALONE
    """The action and its outcome, with the time at which the outcome was known."""
    answered: str = "-"
    """When the message that waited behind it was answered, or how many of how many were."""


@dataclass(slots=True)
class Table:
    """Rows in the order in which the tests ran, and lines that are no fault."""

    title: str
    rows: list[Row] = field(default_factory=list[Row])
    notes: list[str] = field(default_factory=list[str])

    def add(self, fault: str, seen: str, done: str = LEFT_ALONE, answered: str = "-") -> None:
        """Add a fault that went as it should: a test that fails adds nothing."""
        self.rows.append(Row(fault, seen, done, answered))

    def lines(self) -> list[str]:
        """Return the table as text."""
        if not self.rows:
            return self.notes
        head = Row("fault", "seen", "repaired", "answered")
        rows = [(row.fault, row.seen, row.done, row.answered) for row in (head, *self.rows)]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        cells = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
        return [self.title, *(line.rstrip() for line in cells), *self.notes]


def at(what: str, seconds: float | None) -> str:
    """Return what happened with its time, such as ``stalled 6.1``."""
    return what if seconds is None else f"{what} {seconds:.1f}"
