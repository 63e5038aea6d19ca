"""Join tables that arrived in parts: the same names, one below the other.

A part knows only what it holds, so a category of one part may be free text in another,
and a column that lacks every value may pass for numbers. What a column is, is settled
over all parts.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.errors import InvalidSamples
from kantor.estimator.samples.choosing import names_apart
from kantor.estimator.samples.table import Column, Table, recoded


def check_names(first: Table, other: Table, field: str) -> None:
    """Check that a part has the names of another, in whatever order.

    Raises:
        InvalidSamples: It has not; names what is missing and what is there besides.
    """
    unshared, told = names_apart(first.names, other.names)
    if unshared:
        raise InvalidSamples(
            field,
            f"expected the columns of the batches before, received others: {told}",
        )


def joint_columns(parts: Iterable[Table]) -> tuple[Column, ...]:
    """Return the columns of all parts together, in the order of the first.

    Raises:
        InvalidSamples: A column holds values of different kinds.
    """
    found: dict[str, Column | None] = {}
    for part in parts:
        for name in found or part.names:
            column = None if _is_empty(part, name) else part.column(name)
            found[name] = _joined(found.get(name), column)
    return tuple(
        column or Column(name=name, kind="number") for name, column in found.items()
    )


def in_terms_of(columns: tuple[Column, ...], part: Table) -> NDArray[np.float64]:
    """Return the values (k, d) of a part in the order and the codes of all parts."""
    return np.column_stack([_codes(column, part) for column in columns])


def _is_empty(part: Table, name: str) -> bool:
    return part.column(name).kept and bool(np.isnan(part.values_of(name)).all())


def _joined(ours: Column | None, theirs: Column | None) -> Column | None:
    """Return what two parts of a column are together; None has no values."""
    if ours is None or theirs is None:
        return ours or theirs
    kinds = {ours.kind, theirs.kind}
    if len(kinds) > 1 and kinds != {"category", "text"}:
        raise InvalidSamples(
            "samples",
            f"expected values of one kind in column {ours.name!r}, received {ours.kind}"
            f" in one batch and {theirs.kind} in another",
        )
    return replace(
        ours,
        kind="category" if len(kinds) > 1 else ours.kind,
        levels=tuple(sorted({*ours.levels, *theirs.levels})),
        declared=ours.declared or theirs.declared,
        index=ours.index and theirs.index,
        kept=ours.kept and theirs.kept,
        hint=ours.hint or theirs.hint,
    )


def _codes(column: Column, part: Table) -> NDArray[np.float64]:
    """Return one column (k,) of a part; NaN where its text is not kept by all."""
    values = np.asarray(part.values_of(column.name), dtype=np.float64)
    if not column.kept:
        return np.full(len(values), np.nan)
    levels = part.column(column.name).levels
    if not column.levels or not levels:
        return values
    place = {level: float(code) for code, level in enumerate(column.levels)}
    return recoded(values, np.array([place[level] for level in levels]))
