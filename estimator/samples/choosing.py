"""Choose which columns of two tables are compared, by name and never by accident.

Both tables must have the same columns, or it is said what to do about the others. What
only numbers the rows is left out, with a note: a column that looks like an index and
holds distinct integers on each side.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from kantor.estimator.errors import InvalidConfig, InvalidSamples
from kantor.estimator.samples.table import Table, Values

INDEX_NAME = re.compile(
    r"|unnamed: 0(\.\d+)*|__index_level_\d+__|index|id|level_0|rownames", re.IGNORECASE
)
"""What indices are called by the tools that write them."""

_NAMED = 8


@dataclass
class Remarks:
    """What a reader should know: `warnings` before the answer, `notes` beside it."""

    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def chosen_names(
    source: Table,
    target: Table,
    *,
    columns: str | Sequence[str] | None = None,
    drop: Sequence[str] = (),
    remarks: Remarks,
) -> list[str]:
    """Return the names of the columns that are compared, in the source's order.

    Args:
        source: Table of the source samples.
        target: Table of the target samples.
        columns: None: all, which must be the same on both sides. `common`: those that
            both sides have. A list: exactly these, an index among them included.
        drop: Names that are left out; they may be on one side only.
        remarks: Receives what was left out on our own account.

    Raises:
        InvalidConfig: `columns` or `drop` names a column that is not there.
        InvalidSamples: A column is on one side only, or none is left.
    """
    _check_names("drop", drop, [*source.names, *target.names])
    if columns is not None and not isinstance(columns, str):
        for side, table in (("source", source), ("target", target)):
            _check_names("columns", columns, table.names, of=f" of the {side}")
        names = [n for n in source.names if n in columns and n not in drop]
    else:
        dropped = {*drop, *_indices(source, target, drop, remarks)}
        ours = [name for name in source.names if name not in dropped]
        theirs = [name for name in target.names if name not in dropped]
        if columns != "common":
            _check_same(ours, theirs)
        names = [name for name in ours if name in theirs]
        _note_unshared(ours, theirs, remarks)
    if not names:
        raise InvalidSamples(
            "target", "expected at least 1 column to compare by name, received none"
        )
    return names


def warn_of_counters(
    source: Table, target: Table, names: Sequence[str], remarks: Remarks
) -> None:
    """Warn of columns that stay in although they may only number the rows."""
    for name in names:
        sides = [table.values_of(name) for table in (source, target)]
        kinds = {table.column(name).kind for table in (source, target)}
        if kinds == {"number"} and all(distinct_integers(side) for side in sides):
            remarks.warnings.append(
                f"Column {name!r} holds a different integer in every row, as an index "
                "or an id does, and was compared as a number. If it says nothing about "
                f"a row, leave it out (drop {_quoted([name])})."
            )


def distinct_integers(values: Values) -> bool:
    """Tell whether all values (n,) are there, whole, and different."""
    numbers = np.asarray(values, dtype=np.float64)
    if len(numbers) < 2 or not np.isfinite(numbers).all():
        return False
    if not np.array_equal(numbers, np.rint(numbers)):
        return False
    return len(np.unique(numbers)) == len(numbers)


def listed(names: Sequence[str], most: int = _NAMED) -> str:
    """Return names for a sentence, the first few and how many there are besides."""
    shown = ", ".join(repr(name) for name in names[:most])
    more = len(names) - most
    return f"{shown} and {more} more" if more > 0 else shown


def _quoted(names: Sequence[str]) -> str:
    """Return names as the setting takes them, the first of many."""
    joined = ",".join(names[:_NAMED])
    joined += ",..." if len(names) > _NAMED else ""
    return f"'{joined}'" if re.search(r"[^\w.,-]", joined) else joined


def _indices(
    source: Table, target: Table, drop: Sequence[str], remarks: Remarks
) -> list[str]:
    """Return columns that only number the rows, on each side that has them."""
    found = []
    for name in dict.fromkeys([*source.names, *target.names]):
        sides = [table for table in (source, target) if name in table.names]
        columns = [table.column(name) for table in sides]
        called = any(c.index for c in columns) or INDEX_NAME.fullmatch(name)
        if name in drop or not called or any(c.kind != "number" for c in columns):
            continue
        if all(distinct_integers(table.values_of(name)) for table in sides):
            found.append(name)
            remarks.notes.append(
                f"Column {name!r} was left out: it is named like an index and holds a "
                "different integer in every row. To compare it all the same, name it "
                "among those compared (setting columns)."
            )
    return found


def _check_names(
    setting: str, given: Sequence[str], known: Sequence[str], of: str = ""
) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        raise InvalidConfig(
            setting,
            f"expected names of columns{of} ({listed(list(dict.fromkeys(known)))}), "
            f"received {listed(unknown)}",
        )


def names_apart(ours: Sequence[str], theirs: Sequence[str]) -> tuple[list[str], str]:
    """Return the names that only one of two lists has, and which has them, in words."""
    lacking = [name for name in ours if name not in theirs]
    extra = [name for name in theirs if name not in ours]
    parts = [f"{listed(lacking)} is missing"] if lacking else []
    parts += [f"{listed(extra)} is there besides"] if extra else []
    return lacking + extra, ", ".join(parts)


def _check_same(ours: list[str], theirs: list[str]) -> None:
    """Require the same names on both sides, in any order."""
    unshared, told = names_apart(ours, theirs)
    if unshared:
        raise InvalidSamples(
            "target",
            f"expected the columns of the source, received others: {told}; "
            "compare what both have (columns common), or leave out the rest "
            f"(drop {_quoted(unshared)})",
        )


def _note_unshared(ours: list[str], theirs: list[str], remarks: Remarks) -> None:
    for side, names, others in (("source", ours, theirs), ("target", theirs, ours)):
        alone = [name for name in names if name not in others]
        if alone:
            remarks.notes.append(
                f"Left out, as only the {side} has them: {listed(alone)}."
            )
