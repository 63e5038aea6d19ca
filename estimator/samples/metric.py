"""The distance between two rows of a table: how far a unit of each column goes.

Columns have units of their own, and a sum over metres and years means something only if
somebody says how many years are worth a metre. `scaling` says it:

- `scalar`: one metre is one year; the numbers as they are.
- `standardize`: one deviation of a column is one deviation of any other.
- `auto` (what tables get unless told otherwise): `scalar` while the deviations of the
  number columns are within a factor `COMPARABLE` of each other, as for columns of one
  unit; else `standardize`. Beyond that factor the column of the smaller deviation has
  less than a hundredth of the squared distance: it would be named in the table and
  absent from the answer. Which of both it was stands in the sentence of the metric.

A category counts c where it differs. Its default is the deviation of a number column
(the root of their mean square): two rows that differ in a category are as far apart as
two that differ by one deviation in a number. That is 1 where columns are standardized,
or where there are no numbers.

All of it is fitted on fit samples, so that the test samples stay independent of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.config import Scaling
from kantor.estimator.errors import InvalidConfig
from kantor.estimator.samples.encoding import Part
from kantor.estimator.samples.scaling import feature_deviation

Array = NDArray[np.float64]

COMPARABLE = 10.0
_NAMED = 6
_DIGITS = 3


@dataclass(frozen=True)
class Metric:
    """d(u, v) = |(u - v) / deviation| in a norm, over features u, v (d,).

    Attributes:
        deviation: Divisor (d,) of each feature, > 0.
        norm: `l2` or `linf`.
        scaling: What was applied: `scalar` or `standardize`.
        weights: c of each category, and of each column that may be missing, by name.
        sentence: The metric in words.
        scale_ratio: The largest over the smallest deviation of a number column.
    """

    deviation: Array
    norm: str
    scaling: str
    weights: Mapping[str, float]
    sentence: str
    scale_ratio: float

    def distances(self, u: Array, v: Array) -> Array:
        """Return distances (n,) between rows u (n, d) and v (n, d)."""
        offsets = np.abs((u - v) / self.deviation)
        if self.norm == "linf":
            return np.asarray(offsets.max(axis=1))
        return np.asarray(np.sqrt((offsets**2).sum(axis=1)))


def fit_metric(
    parts: Sequence[Part],
    x: NDArray[np.generic],
    y: NDArray[np.generic],
    *,
    scaling: Scaling = "auto",
    category_weight: float | None = None,
    category_weights: Mapping[str, float] | None = None,
    norm: str = "l2",
) -> Metric:
    """Fit the metric of encoded tables on fit samples x (n, d) and y (m, d).

    Args:
        parts: What each feature belongs to.
        x: Fit samples of the source, encoded.
        y: Fit samples of the target.
        scaling: How numbers are made comparable.
        category_weight: c > 0 of all categories; None: the default.
        category_weights: c > 0 of single columns, by name.
        norm: Ground norm.

    Raises:
        InvalidConfig: `category_weights` names no category, or one is not above 0.
    """
    spread = _spread(x, y)
    numbers = [part.start for part in parts if part.role == "number"]
    varying = spread[numbers][spread[numbers] > 0.0]
    ratio = float(varying.max() / varying.min()) if len(varying) else 1.0
    standardizes = scaling == "standardize" or (
        scaling == "auto" and ratio > COMPARABLE
    )
    applied = "standardize" if standardizes else "scalar"
    usual = 1.0
    if not standardizes and len(varying):
        usual = _rounded(float(np.sqrt((varying**2).mean())))
    usual = usual if category_weight is None else category_weight
    weights = _weights(parts, category_weights or {}, usual)
    deviation = np.ones(parts[-1].stop)
    for part in parts:
        place = slice(part.start, part.stop)
        if part.role != "number":
            weight = weights[part.column.name]
            stretch = np.sqrt(2.0) if part.one_hot and norm == "l2" else 1.0
            deviation[place] = stretch / weight
        elif standardizes and spread[part.start] > 0.0:
            deviation[place] = spread[part.start]
    sentence = _sentence(parts, deviation, weights, norm, applied)
    return Metric(deviation, norm, applied, weights, sentence, ratio)


def _spread(x: NDArray[np.generic], y: NDArray[np.generic]) -> Array:
    """Return the deviation (d,) of each feature about both sides' middle; 0 if none."""
    x64, y64 = (np.asarray(side, dtype=np.float64) for side in (x, y))
    center = 0.5 * x64.mean(0) + 0.5 * y64.mean(0)
    varies = np.maximum(x64.max(0), y64.max(0)) > np.minimum(x64.min(0), y64.min(0))
    return np.where(varies, feature_deviation(x64 - center, y64 - center), 0.0)


def _weights(
    parts: Sequence[Part], given: Mapping[str, float], usual: float
) -> dict[str, float]:
    """Return c of each column that has one."""
    names = list(dict.fromkeys(p.column.name for p in parts if p.role != "number"))
    for name in given:
        if name not in names:
            raise InvalidConfig(
                "category_weights",
                f"expected names of categories ({', '.join(map(repr, names))}), "
                f"received {name!r}",
            )
    for weight in [usual, *given.values()]:
        if not (np.isfinite(weight) and weight > 0.0):
            raise InvalidConfig(
                "category_weight", f"expected a number > 0, received {weight!r}"
            )
    return dict.fromkeys(names, usual) | dict(given)


def _sentence(
    parts: Sequence[Part],
    deviation: Array,
    weights: Mapping[str, float],
    norm: str,
    scaling: str,
) -> str:
    """Say what the distance between two rows is."""
    numbers = [part for part in parts if part.role == "number"]
    terms = []
    if numbers and scaling == "standardize":
        terms.append(
            "the difference over the column's deviation in "
            + _some([f"{p.column.name} ({deviation[p.start]:.3g})" for p in numbers])
        )
    elif numbers:
        terms.append(f"the difference in {_some([p.column.name for p in numbers])}")
    categories = [part for part in parts if part.role == "category"]
    if categories:
        shown = [f"{p.column.name} ({weights[p.column.name]:.3g})" for p in categories]
        terms.append(f"a fixed amount where they differ in {_some(shown)}")
    lacking = [part for part in parts if part.role == "missing"]
    if lacking:
        middles = {p.column.name: p.imputed for p in numbers}
        shown = [
            f"{p.column.name} ({weights[p.column.name]:.3g}; counted as "
            f"{middles[p.column.name]:.4g})"
            for p in lacking
        ]
        where = "where only one of them has a value"
        terms.append(f"a fixed amount {where} in {_some(shown)}")
    how = "largest" if norm == "linf" else "root of the sum of squares"
    return f"The distance between two rows is the {how} of: {'; '.join(terms)}."


def _some(items: Sequence[str]) -> str:
    more = len(items) - _NAMED
    shown = ", ".join(items[:_NAMED])
    return f"{shown} and {more} more" if more > 0 else shown


def _rounded(value: float) -> float:
    """Return a value to a few digits, so that the metric can be stated exactly."""
    return float(f"{value:.{_DIGITS}g}")
