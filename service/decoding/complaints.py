"""Say what is wrong with a file: line, column, cell, what was expected, what to do."""

from collections.abc import Iterable
from dataclasses import dataclass

from kantor.service.decoding.limits import Undecodable

MOST = 10
_CELL = 40
_REASON = 200


@dataclass(frozen=True)
class Complaint:
    """One thing that is wrong: where, what was expected, what was received."""

    line: int
    column: str | int | None
    expected: str
    received: str

    def sentence(self, *, first: bool) -> str:
        """Return it as a part of a sentence; only the first says what was expected."""
        name = self.column[:_CELL] if isinstance(self.column, str) else self.column
        column = "" if name is None else f", column {name!r}"
        place = f"on line {self.line}{column}"
        if first:
            return f"expected {self.expected}, received {self.received} {place}"
        return f"{self.received} {place}"


def refusal(complaints: Iterable[Complaint], remedy: str) -> Undecodable | None:
    """Return an error that tells the first ten and counts the others; None for none."""
    told: list[Complaint] = []
    more = 0
    for complaint in complaints:
        if len(told) < MOST:
            told.append(complaint)
        else:
            more += 1
    if not told:
        return None
    ordered = sorted(told, key=lambda c: c.line)
    parts = [c.sentence(first=not place) for place, c in enumerate(ordered)]
    counted = f", and {more} more" if more else ""
    return Undecodable(f"{'; '.join(parts)}{counted}: {remedy}")


def unreadable(form: str, error: Exception) -> Undecodable:
    """Return an error for what a library says of a file that it cannot read."""
    if isinstance(error, MemoryError):
        return Undecodable(f"expected {form} that is read within the memory allowed")
    reason = (str(error).splitlines() or [type(error).__name__])[0][:_REASON]
    return Undecodable(f"expected {form}, received: {reason}")


def shown(cell: str) -> str:
    """Return a cell for a message, cut where it is long."""
    return repr(cell if len(cell) <= _CELL else cell[: _CELL - 3] + "...")
