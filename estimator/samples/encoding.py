"""Turn mixed columns into features without changing what is far from what.

A number is one feature. A category of two levels (a boolean is one) is one feature, 0
or 1; a category of more is one feature for each level, of which exactly one is 1. The
metric (`metric`) then weighs features so that two rows u, v are apart by

    d^2 = sum over numbers ((u_j - v_j) / s_j)^2 + sum over categories c_k^2 [differ]

exactly: two one-hot rows of different levels are sqrt(2) apart, whatever the levels, so
that a weight of c / sqrt(2) makes it c. An isometry leaves every certificate standing.
Two levels need one feature only: |0 - 1| = 1, weighed by c. For the l-infinity norm,
the largest of the terms counts instead, and one-hot rows are 1 apart already.

A missing number becomes an imputed one beside a feature that says so (a category of two
levels); a missing category is a level of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.errors import InvalidSamples
from kantor.estimator.samples.matching import Matched
from kantor.estimator.samples.table import Column, Values

Array = NDArray[np.float64]
Role = Literal["number", "category", "missing"]

MAX_FEATURES = 65_536
MISSING_LEVEL = "(missing)"


@dataclass(frozen=True)
class Part:
    """Features that one column becomes, or one of two parts of it.

    Attributes:
        column: As compared; a category's levels count `MISSING_LEVEL` where it has one.
        role: `number`, `category`, or `missing`: whether the number is there.
        start: First of its features.
        stop: One past its last.
        imputed: What a missing number was replaced by.
    """

    column: Column
    role: Role
    start: int
    stop: int
    imputed: float | None = None

    def to_document(self) -> dict[str, Any]:
        """Return the part as JSON-ready values."""
        return asdict(self) | {"column": self.column.to_document()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Part":
        """Read what `to_document` wrote."""
        column = Column.from_document(document["column"])
        return cls(**{**document, "column": column})

    @property
    def one_hot(self) -> bool:
        """Whether it is one feature for each level."""
        return self.stop - self.start > 1


@dataclass(frozen=True)
class Encoded:
    """Features of both sides, and which column each belongs to.

    Attributes:
        x: Features (n, d) of the source, finite.
        y: Features (m, d) of the target.
        parts: In the order of the features, which they cover.
    """

    x: Values
    y: Values
    parts: tuple[Part, ...]


def encoded(
    matched: Matched,
    *,
    fit_x: NDArray[np.intp] | None = None,
    fit_y: NDArray[np.intp] | None = None,
) -> Encoded:
    """Encode matched tables.

    Args:
        matched: Tables of the same columns; what is missing is made a feature of.
        fit_x: Rows of the source that an imputed number may depend on: those that
            training sees, so that what is tested stays independent. None: all.
        fit_y: Rows of the target.

    Raises:
        InvalidSamples: Categories have so many levels that features are too many.
    """
    gaps = np.any([np.isnan(s).any(axis=0) for s in (matched.x, matched.y)], axis=0)
    parts: list[Part] = []
    for place, column in enumerate(matched.columns):
        start = parts[-1].stop if parts else 0
        fit = [
            side[rows if rows is not None else slice(None), place]
            for side, rows in ((matched.x, fit_x), (matched.y, fit_y))
        ]
        parts += _parts(column, start, fit=fit, missing=bool(gaps[place]))
    _check_width(parts)
    if all(part.role == "number" for part in parts):
        return Encoded(matched.x, matched.y, tuple(parts))
    places = {column.name: place for place, column in enumerate(matched.columns)}
    return Encoded(
        features_of(matched.x, parts, places),
        features_of(matched.y, parts, places),
        tuple(parts),
    )


def _parts(
    column: Column, start: int, *, fit: Sequence[Values], missing: bool
) -> list[Part]:
    """Lay out the features of a column from `start` on."""
    if column.kind == "number":
        if not missing:
            return [Part(column, "number", start, start + 1)]
        imputed = _middle(fit)
        return [
            Part(column, "number", start, start + 1, imputed=imputed),
            Part(column, "missing", start + 1, start + 2),
        ]
    if missing:
        levels = (*column.levels, MISSING_LEVEL)
        column = Column(name=column.name, kind=column.kind, levels=levels)
    width = len(column.levels) if len(column.levels) > 2 else 1
    return [Part(column, "category", start, start + width)]


def _middle(fit: Sequence[Values]) -> float:
    """Return the median of the values that are there; 0 if none is."""
    values = np.concatenate([side[~np.isnan(side)] for side in fit])
    return float(np.median(values)) if len(values) else 0.0


def features_of(values: Values, parts: Sequence[Part], places: dict[str, int]) -> Array:
    """Return the features (n, d) of values (n, k), whose columns stand at `places`."""
    features = np.zeros((len(values), parts[-1].stop))
    rows = np.arange(len(values))
    for part in parts:
        given = np.asarray(values[:, places[part.column.name]], dtype=np.float64)
        gaps = np.isnan(given)
        if part.role == "missing":
            features[:, part.start] = gaps
        elif part.role == "number":
            imputed = part.imputed if part.imputed is not None else 0.0
            features[:, part.start] = np.where(gaps, imputed, given)
        else:
            codes = np.where(gaps, len(part.column.levels) - 1, given).astype(np.intp)
            if part.one_hot:
                features[rows, part.start + codes] = 1.0
            else:
                features[:, part.start] = codes
    return features


def _check_width(parts: Sequence[Part]) -> None:
    if parts[-1].stop <= MAX_FEATURES:
        return
    widest = max(parts, key=lambda part: part.stop - part.start)
    raise InvalidSamples(
        "source",
        f"expected at most {MAX_FEATURES:,} features, received {parts[-1].stop:,}; "
        f"column {widest.column.name!r} alone has {len(widest.column.levels):,} levels",
    )
