"""Bring two tables to the same columns, kinds and levels.

Kinds are settled over both sides: strings that repeat on a side are a category, strings
that do not are text, and so are ids. Text, and dates unless they are asked for as
numbers, have no distance that everybody would agree on; they are refused by name, never
guessed at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.config import Dates
from kantor.estimator.errors import InvalidSamples
from kantor.estimator.samples.choosing import (
    Remarks,
    chosen_names,
    warn_of_counters,
)
from kantor.estimator.samples.looks import looks_like_dates, quantity_hint
from kantor.estimator.samples.table import (
    BOOLEAN_LEVELS,
    MAX_LEVELS,
    Column,
    Kind,
    Table,
    Values,
    recoded,
    shown,
)

REPEATS = 2.0
"""Rows of a side for each different string, at least, for them to be a category."""


@dataclass(frozen=True)
class Matched:
    """Two tables of the same columns, in the same order.

    Attributes:
        columns: Their common kinds; categories have the levels of both sides. No kind
            but number, boolean and category is left.
        x: Values (n, k) of the source, NaN where missing.
        y: Values (m, k) of the target.
        remarks: What a reader of the answer should know.
    """

    columns: tuple[Column, ...]
    x: Values
    y: Values
    remarks: Remarks


def match(
    source: Table,
    target: Table,
    *,
    columns: str | Sequence[str] | None = None,
    drop: Sequence[str] = (),
    dates: Dates = "refuse",
) -> Matched:
    """Match two tables by name; see `chosen_names` for `columns` and `drop`.

    Args:
        source: Table of the source samples.
        target: Table of the target samples.
        columns: None, `common`, or names.
        drop: Names that are left out.
        dates: `as-number` takes dates and times for days since 1970.

    Raises:
        InvalidConfig: A setting names a column that is not there.
        InvalidSamples: Columns differ between the sides, or have no distance; all of
            them are named, with what can be done.
    """
    remarks = Remarks(notes=list(dict.fromkeys([*source.notes, *target.notes])))
    names = chosen_names(source, target, columns=columns, drop=drop, remarks=remarks)
    warn_of_counters(source, target, names, remarks)
    named = columns if columns and not isinstance(columns, str) else ()
    read = [_shared(source, target, name, named=name in named) for name in names]
    _check_kinds([shared.column for shared in read], dates)
    kept = [shared for shared in read if not _says_nothing(shared, remarks)]
    if not kept:
        raise InvalidSamples(
            "target",
            "expected a column with more than one value, received columns that hold "
            "the same single value, or nothing, on both sides",
        )
    return Matched(
        columns=tuple(_as_compared(shared.column) for shared in kept),
        x=_side(source, [shared.column.name for shared in kept], [s.x for s in kept]),
        y=_side(target, [shared.column.name for shared in kept], [s.y for s in kept]),
        remarks=remarks,
    )


@dataclass(frozen=True)
class _Shared:
    """One column of both sides, in common codes."""

    column: Column
    x: Values
    y: Values


def _shared(source: Table, target: Table, name: str, *, named: bool) -> _Shared:
    """Settle kind and levels of a column over both sides.

    Raises:
        InvalidSamples: The sides hold values of different kinds.
    """
    ours, theirs = source.column(name), target.column(name)
    x, y = source.values_of(name), target.values_of(name)
    kind = _common_kind(ours, theirs, x, y)
    column = replace(ours, kind=kind, hint=ours.hint or theirs.hint)
    if kind not in ("category", "text"):
        return _Shared(replace(column, kept=ours.kept and theirs.kept), x, y)
    if not (ours.kept and theirs.kept):
        return _Shared(replace(column, kind="text", kept=False), x, y)
    levels = tuple(sorted({*ours.levels, *theirs.levels}))
    place = {level: float(code) for code, level in enumerate(levels)}
    x = recoded(x, np.array([place[level] for level in ours.levels]))
    y = recoded(y, np.array([place[level] for level in theirs.levels]))
    column = replace(
        column, levels=levels, declared=ours.declared or theirs.declared or named
    )
    return _Shared(_settled(column, x, y), x, y)


def _common_kind(ours: Column, theirs: Column, x: Values, y: Values) -> Kind:
    """Return the kind that both sides agree on; a side without values agrees."""
    kinds = {ours.kind, theirs.kind}
    if len(kinds) == 1:
        return ours.kind
    if theirs.kept and np.isnan(y).all():
        return ours.kind
    if ours.kept and np.isnan(x).all():
        return theirs.kind
    if kinds == {"category", "text"}:
        return "category"
    numbers = y if theirs.kind == "number" else x
    if (
        kinds == {"boolean", "number"}
        and not np.setdiff1d(numbers[~np.isnan(numbers)], [0.0, 1.0]).size
    ):
        return "boolean"
    raise InvalidSamples(
        "target",
        f"expected {ours.kind} values in column {ours.name!r} as in the source, "
        f"received {theirs.kind} values{_example(theirs, y)}; write both sides alike, "
        f"or leave the column out (drop {ours.name!r})",
    )


def _example(column: Column, values: Values) -> str:
    present = values[~np.isnan(values)]
    return f" such as {shown(column, float(present[0]))!r}" if len(present) else ""


def _settled(column: Column, x: Values, y: Values) -> Column:
    """Tell a category from text, from dates, and from numbers in another notation."""
    count = int((~np.isnan(x)).sum() + (~np.isnan(y)).sum())
    levels = column.levels
    if len(levels) > MAX_LEVELS:
        hint = f"more than {MAX_LEVELS:,} different values"
        return replace(column, kind="text", hint=hint)
    if column.declared:
        return replace(column, kind="category")
    if looks_like_dates(levels):
        hint = f"dates or times written as {levels[0]!r}"
        return replace(column, kind="datetime", kept=False, hint=hint)
    if hint := quantity_hint(levels):
        return replace(column, kind="text", hint=hint)
    if _repeats(x) or _repeats(y):
        return replace(column, kind="category")
    hint = f"{len(levels):,} different values in {count:,} rows"
    return replace(column, kind="text", hint=hint)


def _repeats(codes: Values) -> bool:
    """Tell whether the strings of one side stand in several rows each, on average.

    Of one side: ids that come back on the other one are ids all the same.
    """
    given = codes[~np.isnan(codes)]
    return len(given) > 0 and REPEATS * len(np.unique(given)) <= len(given)


def _check_kinds(columns: Sequence[Column], dates: Dates) -> None:
    """Refuse all columns that have no distance, in one sentence."""
    text = [c for c in columns if c.kind == "text"]
    moments = [c for c in columns if c.kind == "datetime"]
    unreadable = [c for c in moments if not c.kept]
    if dates == "refuse":
        unreadable = moments
    if not text and not unreadable:
        return
    shown = [f"{c.name!r} ({c.hint or 'free text'})" for c in text[:8]]
    shown += [f"{c.name!r} ({c.hint or 'dates'})" for c in unreadable[:8]]
    names = [c.name for c in [*text, *unreadable]]
    remedy = "leave them out (setting drop), or name the others (setting columns)"
    if unreadable and any(c.kept for c in unreadable):
        remedy += "; dates can become numbers of days (dates as-number)"
    raise InvalidSamples(
        "source",
        "expected columns of numbers, booleans or categories, received "
        f"{', '.join(shown)}{_besides(names, len(shown))}: {remedy}",
    )


def _besides(names: Sequence[str], shown: int) -> str:
    more = len(names) - shown
    return f" and {more} more" if more > 0 else ""


def _says_nothing(shared: _Shared, remarks: Remarks) -> bool:
    """Tell, and note, whether both sides hold the same single value, or nothing."""
    name = shared.column.name
    values = np.concatenate([_ends(shared.x), _ends(shared.y)])
    missing = [bool(np.isnan(side).any()) for side in (shared.x, shared.y)]
    present = values[~np.isnan(values)]
    if not len(present):
        remarks.notes.append(f"Column {name!r} holds nothing on either side.")
        return True
    if present.min() != present.max() or any(missing):
        return False
    value = shown(shared.column, float(present[0]))
    remarks.notes.append(f"Column {name!r} holds the single value {value} throughout.")
    return True


def _ends(values: Values) -> NDArray[np.float64]:
    present = np.asarray(values[~np.isnan(values)], dtype=np.float64)
    return np.array([present.min(), present.max()]) if len(present) else np.empty(0)


def _as_compared(column: Column) -> Column:
    """Return a column as what it enters the distance as."""
    if column.kind == "datetime":
        return replace(column, kind="number", hint="days since 1970")
    if column.kind == "boolean":
        return replace(column, levels=BOOLEAN_LEVELS)
    return column


def _side(table: Table, names: Sequence[str], values: list[Values]) -> Values:
    """Return values side by side; the table's own array where nothing has changed."""
    same = tuple(names) == table.names
    if same and all(c.kind in ("number", "boolean", "datetime") for c in table.columns):
        return table.values
    return np.column_stack(values)
