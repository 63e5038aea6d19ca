"""Samples with names: columns of a stated kind, one row a sample.

Every value is a float64, whatever the kind, so that a table is one array and a large
one can stay mapped: numbers are themselves, booleans 0 and 1, categories the place of
their level, dates and times days since 1970 (UTC). NaN is a missing value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["number", "boolean", "category", "datetime", "text"]
Values = NDArray[np.generic]

MAX_LEVELS = 1000
"""Different strings of a column that are remembered; with more it is text."""
LONGEST_LEVEL = 256
"""Characters of a level; a longer string makes its column text."""
EXACT_INTEGERS = 2**53
"""Integers up to this size are float64s; larger ones are taken for ids."""
SECONDS_PER_DAY = 86_400.0

BOOLEAN_LEVELS = ("false", "true")


@dataclass(frozen=True, kw_only=True)
class Column:
    """What is known of a column but for its values.

    Attributes:
        name: As its owner calls it; distinct within a table.
        kind: What its values are.
        levels: Names of a category's (or text's) values, sorted, each of them in use.
        declared: Whether its writer says that it is a category, however many levels.
        index: Whether its writer says that it is the index of a frame (pandas does).
        kept: Whether the values are there at all. Text of too many different values is
            known by name alone.
        hint: What the values of text look like, and what can be done about it.
    """

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()
    declared: bool = False
    index: bool = False
    kept: bool = True
    hint: str = ""

    def to_document(self) -> dict[str, Any]:
        """Return the column as JSON-ready values, without what is the default."""
        given = asdict(self) | {"levels": list(self.levels)}
        plain = {"levels": [], "declared": False, "index": False, "kept": True}
        return {
            name: value
            for name, value in given.items()
            if name in ("name", "kind") or value != plain.get(name, "")
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Column":
        """Read what `to_document` wrote."""
        return cls(**{**document, "levels": tuple(document.get("levels", ()))})


@dataclass(frozen=True)
class Table:
    """Columns and their values (n, d), NaN where missing.

    Attributes:
        columns: One for each column of `values`, of distinct names.
        values: Real numbers, possibly memory-mapped.
        notes: What a reader of the answer should know of how the table was read.
    """

    columns: tuple[Column, ...]
    values: Values
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number n of rows."""
        return len(self.values)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def place(self, name: str) -> int:
        """Return the place of a column that is there."""
        return self.names.index(name)

    def column(self, name: str) -> Column:
        """Return a column that is there."""
        return self.columns[self.place(name)]

    def values_of(self, name: str) -> Values:
        """Return the values (n,) of a column that is there."""
        return np.asarray(self.values[:, self.place(name)])

    def cell(self, row: int, name: str) -> float | str | bool | None:
        """Return one value as its owner would write it; None where missing.

        Dates are ISO 8601 in UTC; text that was not kept is None.
        """
        column, value = self.column(name), float(self.values[row, self.place(name)])
        return shown(column, value)


def shown(column: Column, value: float) -> float | str | bool | None:
    """Return a value of a column as its owner would write it; None where missing."""
    if not column.kept or np.isnan(value):
        return None
    if column.kind == "boolean":
        return bool(value)
    if column.levels:
        return column.levels[int(value)]
    if column.kind == "datetime":
        moment = np.datetime64(round(value * SECONDS_PER_DAY * 1e6), "us")
        return str(moment).removesuffix(".000000").removesuffix("T00:00:00")
    return value


def told(column: Column, value: float) -> float | str | bool | None:
    """Return a value as `shown`, but one that JSON can hold: infinity is a word."""
    found = shown(column, value)
    if isinstance(found, float) and not np.isfinite(found):
        return str(found)
    return found


def distinct_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return names with nameless columns called as pandas calls them.

    Raises:
        ValueError: A name stands twice, which would make matching by name a guess.
    """
    given = tuple(name or f"Unnamed: {place}" for place, name in enumerate(names))
    for place, name in enumerate(given):
        if (first := given.index(name)) != place:
            raise ValueError(
                f"expected distinct column names, received {name!r} as columns "
                f"{first + 1} and {place + 1}: rename one of them"
            )
    return given


def sorted_levels(
    column: Column, levels: Sequence[str]
) -> tuple[Column, NDArray[np.float64]]:
    """Return a column with its levels in order, and the new code (k,) of each old one.

    Codes that are in no order depend on which row came first; sorted ones on the
    values alone, so that equal tables are equal.
    """
    order = sorted(range(len(levels)), key=levels.__getitem__)
    codes = np.empty(len(levels))
    codes[order] = np.arange(len(levels))
    return replace(column, levels=tuple(levels[i] for i in order)), codes


def recoded(values: Values, codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values (n,) with old codes replaced by new ones; NaN stays."""
    missing = np.isnan(values)
    if not len(codes):
        return np.full(len(values), np.nan)
    places = np.where(missing, 0, values).astype(np.intp)
    return np.where(missing, np.nan, codes[places])
