"""What a column of a csv file is read as, told by its first cells."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

from kantor.estimator.samples.looks import ISO_MOMENT, ISO_ZONE, MOST, most
from kantor.service.decoding.dialect import MISSING, Dialect, is_number

TRUE = ("true", "True", "TRUE")
FALSE = ("false", "False", "FALSE")
_MICROSECONDS = 6


class CsvKind(StrEnum):
    """What every cell of a column must be, or be missing."""

    NUMBER = "a number"
    BOOLEAN = "true or false"
    MOMENT = "a date or time of ISO 8601"
    FINE_MOMENT = "a date or time of ISO 8601, to the nanosecond"
    ZONED_MOMENT = "a date and time of ISO 8601 with a zone"
    STRING = "text"
    NOTHING = "nothing behind the last delimiter"

    @property
    def arrow_type(self) -> Any:
        """The type that pyarrow reads it as."""
        import pyarrow as pa

        return {
            CsvKind.NUMBER: pa.float64(),
            CsvKind.BOOLEAN: pa.bool_(),
            CsvKind.MOMENT: pa.timestamp("us"),
            CsvKind.FINE_MOMENT: pa.timestamp("ns"),
            CsvKind.ZONED_MOMENT: pa.timestamp("us", "UTC"),
            CsvKind.STRING: pa.string(),
            CsvKind.NOTHING: pa.null(),
        }[self]

    def test(self, decimal: str) -> Callable[[str], bool]:
        """Return whether a cell, which is not missing, is of this kind."""
        if self is CsvKind.NUMBER:
            return lambda cell: is_number(cell, decimal)
        if self is CsvKind.BOOLEAN:
            return lambda cell: cell in TRUE or cell in FALSE
        if self is CsvKind.ZONED_MOMENT:
            return lambda cell: ISO_ZONE.fullmatch(cell) is not None
        if self in (CsvKind.MOMENT, CsvKind.FINE_MOMENT):
            return lambda cell: (
                ISO_MOMENT.fullmatch(cell) is not None
                and ISO_ZONE.fullmatch(cell) is None
            )
        return lambda cell: self is CsvKind.STRING


def kinds_of(dialect: Dialect) -> list[CsvKind]:
    """Return what each column is read as.

    A file without names whose first row is all numbers is an array of numbers; every
    other cell of it must be one. The last column is nothing where it has no name and no
    values: then it is what a delimiter at the end of each line makes.
    """
    first = dialect.rows[0]
    if dialect.names is None and all(
        is_number(cell, dialect.decimal) or cell in MISSING for cell in first
    ):
        kinds = [CsvKind.NUMBER] * dialect.width
    else:
        kinds = [
            kind_of([row[place] for row in dialect.rows], dialect.decimal)
            for place in range(dialect.width)
        ]
    nameless = dialect.names is None or not dialect.names[-1]
    empty = all(row[-1] == "" for row in dialect.rows)
    if nameless and empty and dialect.width > 1:
        kinds[-1] = CsvKind.NOTHING
    return kinds


def kind_of(cells: Sequence[str], decimal: str) -> CsvKind:
    """Tell the kind of a column by cells of it; numbers where all are missing."""
    given = [cell for cell in cells if cell not in MISSING]
    numbers = sum(is_number(cell, decimal) for cell in given)
    if numbers >= MOST * len(given):
        return CsvKind.NUMBER
    if all(cell in TRUE or cell in FALSE for cell in given):
        return CsvKind.BOOLEAN
    if not most(ISO_MOMENT, given):
        return CsvKind.STRING
    if most(ISO_ZONE, given):
        return CsvKind.ZONED_MOMENT
    digits = max(len(cell.rpartition(".")[2]) for cell in given if "." in cell + ".")
    fine = digits > _MICROSECONDS and any("." in cell for cell in given)
    return CsvKind.FINE_MOMENT if fine else CsvKind.MOMENT
