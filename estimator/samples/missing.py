"""What to do where a value is missing: refuse, drop the row, or say so in a feature."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.config import MissingRule
from kantor.estimator.errors import InvalidSamples
from kantor.estimator.samples.matching import Matched
from kantor.estimator.samples.table import Values

_NAMED = 8


@dataclass(frozen=True)
class Complete:
    """Matched tables after the rule for missing values.

    Attributes:
        matched: The rows that take part.
        rows_x: Their places (n,) in the source as given; None where all take part.
        rows_y: The same of the target.
    """

    matched: Matched
    rows_x: NDArray[np.intp] | None = None
    rows_y: NDArray[np.intp] | None = None


def complete(matched: Matched, rule: MissingRule) -> Complete:
    """Apply a rule for missing values.

    Args:
        matched: Tables of the same columns.
        rule: `refuse` any; `drop` rows that lack a value; `indicator` leaves all rows
            as they are, for `encoded` to make a feature of what is missing.

    Raises:
        InvalidSamples: Values are missing and the rule is to refuse them, naming
            columns and counts; or no row is left; or a value is infinite.
    """
    for side, values in (("source", matched.x), ("target", matched.y)):
        _check_finite(side, matched, values)
    gaps = [np.isnan(values) for values in (matched.x, matched.y)]
    if rule == "indicator" or not any(side.any() for side in gaps):
        return Complete(matched)
    if rule == "refuse":
        raise _refusal(matched, gaps)
    kept = [np.flatnonzero(~side.any(axis=1)) for side in gaps]
    for side, rows, given in zip(("source", "target"), kept, gaps, strict=True):
        if not len(rows):
            worst = matched.columns[int(given.sum(axis=0).argmax())].name
            raise InvalidSamples(
                side,
                "expected a row without missing values, received none; most are "
                f"missing in column {worst!r}: leave it out (drop {worst!r})",
            )
        if len(rows) < len(given):
            matched.remarks.notes.append(
                f"{len(given) - len(rows):,} of {len(given):,} rows of the {side} were "
                "left out, as they lack a value."
            )
    left = replace(matched, x=matched.x[kept[0]], y=matched.y[kept[1]])
    return Complete(left, kept[0], kept[1])


def _refusal(matched: Matched, gaps: list[NDArray[np.bool_]]) -> InvalidSamples:
    """Name every column with missing values and how many each side lacks."""
    counts = [side.sum(axis=0) for side in gaps]
    lacking = [
        f"{column.name!r} ({ours:,} in the source, {theirs:,} in the target)"
        for column, ours, theirs in zip(matched.columns, *counts, strict=True)
        if ours or theirs
    ]
    more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    return InvalidSamples(
        "source" if counts[0].any() else "target",
        "expected a value in every cell, received missing ones in column "
        f"{', '.join(lacking[:_NAMED])}{more}: leave out their rows (na drop), make "
        "a feature of what is missing (na indicator), or leave out the columns "
        "(setting drop)",
    )


def _check_finite(side: str, matched: Matched, values: Values) -> None:
    infinite = np.isinf(values)
    if infinite.any():
        row, place = (int(i) for i in np.argwhere(infinite)[0])
        raise InvalidSamples(
            side,
            f"expected finite numbers, received {values[row, place]} in row {row}, "
            f"column {matched.columns[place].name!r}",
        )
