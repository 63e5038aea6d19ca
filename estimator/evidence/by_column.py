"""W1 of each column by itself: what drift tools show, beside the joint answer.

Exact, by sorting, in the metric of the joint distance: a column is a projection, which
is 1-Lipschitz, so that no column's W1 exceeds the joint one of the same samples. A
category's is c times the total variation. Each has a permutation p-value for "this
column is distributed alike on both sides" (of W1 itself, over at most `ROWS` rows a
side), and one that holds for all columns together (Holm 1979).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from kantor.estimator.result import ColumnDistance
from kantor.estimator.samples.encoding import Encoded, Part
from kantor.estimator.samples.metric import Metric
from kantor.estimator.samples.pair import Weights

Array = NDArray[np.float64]

ROWS = 5000
PERMUTATIONS = 999
ENOUGH = 50
FEWEST_ROWS = 200
WORK = 200_000_000
"""Rows times permutations times columns, about: beyond it fewer rows are looked at."""
_REACH = 20
"""Permutations for each column: Holm's correction can then still come below 1 / 20."""
_BLOCK = 100
_TIE = 1e-12


def column_distances(
    encoded: Encoded,
    metric: Metric,
    *,
    seed: int,
    x_weights: Weights | None = None,
    y_weights: Weights | None = None,
) -> list[ColumnDistance]:
    """Return the distance of every column, in their order.

    Args:
        encoded: Both sides' features.
        metric: In which they are apart.
        seed: Of the permutations, and of the rows that they are made of.
        x_weights: Weights (n,) of the source's rows.
        y_weights: Weights (m,) of the target's.
    """
    columns = _by_column(encoded.parts)
    distances = [
        [_distance(encoded, p, metric, x_weights, y_weights) for p in parts]
        for parts in columns
    ]
    p_values: list[float] | list[None] = [None] * len(columns)
    adjusted: list[float] | list[None] = [None] * len(columns)
    if x_weights is None and y_weights is None:
        p_values = permutation_p_values(encoded, metric, seed=seed)
        adjusted = holm(p_values)
    return [
        ColumnDistance(
            column=parts[0].column.name,
            kind=parts[0].column.kind,
            w1=max(found),
            w1_in_units=_in_units(parts[0], found[0], metric),
            p_value=p_values[k],
            p_adjusted=adjusted[k],
        )
        for k, (parts, found) in enumerate(zip(columns, distances, strict=True))
    ]


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values that hold together: at most one in 1 / p families has one so low.

    The i-th smallest of k is multiplied by k - i + 1, and none falls below a smaller
    one (Holm 1979); valid whatever the dependence between the tests.
    """
    k = len(p_values)
    order = np.argsort(p_values, kind="stable")
    scaled = np.asarray(p_values)[order] * np.arange(k, 0, -1)
    adjusted = np.empty(k)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return [float(p) for p in adjusted]


def permutation_p_values(encoded: Encoded, metric: Metric, *, seed: int) -> list[float]:
    """Return a p-value for each column: the share of relabelings as far apart.

    Exact for rows that are exchangeable, as independent ones of equal distribution
    are: (1 + number of relabelings at least as far apart) / (1 + relabelings), or, once
    `ENOUGH` of them were as far apart, that number over all so far (Besag & Clifford
    1991), since a column that does not differ needs no more.
    """
    rng = np.random.default_rng([seed, 9])
    columns = _by_column(encoded.parts)
    count = max(PERMUTATIONS, _REACH * len(columns) - 1)
    rows = int(np.clip(WORK / (2 * count * len(columns)), FEWEST_ROWS, ROWS))
    x, y = (_some_rows(side, rows, rng) for side in (encoded.x, encoded.y))
    pooled = np.concatenate([x, y])
    labels = np.zeros(len(pooled), dtype=np.int8)
    labels[: len(x)] = 1
    measures = [[_measure(pooled, p, metric, len(x)) for p in c] for c in columns]
    observed = _largest(measures, labels[None])
    reached = np.zeros(len(columns), dtype=np.intp)
    found = np.full(len(columns), np.nan)
    for start in range(0, count, _BLOCK):
        open_ones = np.flatnonzero(np.isnan(found))
        block = np.tile(labels, (min(_BLOCK, count - start), 1))
        drawn = _largest([measures[k] for k in open_ones], rng.permuted(block, axis=1))
        as_far = drawn >= observed[open_ones] * (1.0 - _TIE)
        so_far = reached[open_ones, None] + as_far.cumsum(axis=1)
        for k, row in zip(open_ones, so_far, strict=True):
            reached[k] = row[-1]
            if row[-1] >= ENOUGH:
                found[k] = ENOUGH / (start + 1 + int((row >= ENOUGH).argmax()))
        if not np.isnan(found).any():
            break
    return [
        float(p) for p in np.where(np.isnan(found), (1 + reached) / (1 + count), found)
    ]


class _OnTheLine:
    """W1 of one feature under relabelings, by one sort of all rows."""

    def __init__(self, values: Array, deviation: float, n: int) -> None:
        self._order = np.argsort(values, kind="stable")
        gaps = np.diff(values[self._order]) / deviation
        total, m = len(values), len(values) - n
        # F - G after i rows of which k are the source's: k / n - (i - k) / m
        self._slope = 1.0 / n + 1.0 / m
        self._shift = np.arange(1, total, dtype=np.float32) / m
        self._gaps = gaps.astype(np.float32)

    def __call__(self, labels: NDArray[np.int8]) -> Array:
        """Return W1 (b,) for labels (b, rows): 1 where a row is the source's."""
        ordered = labels[:, self._order[:-1]]
        counts = np.cumsum(ordered, axis=1, dtype=np.float32)
        counts *= np.float32(self._slope)
        counts -= self._shift
        np.abs(counts, out=counts)
        return np.asarray(counts @ self._gaps, dtype=np.float64)


class _OverLevels:
    """c times the total variation between one-hot features under relabelings."""

    def __init__(self, hot: Array, weight: float, n: int) -> None:
        self._hot = hot.astype(np.float32)
        self._totals = self._hot.sum(axis=0)
        self._weight, self._n, self._m = weight, n, len(hot) - n

    def __call__(self, labels: NDArray[np.int8]) -> Array:
        """Return the distance (b,) for labels (b, rows)."""
        ours = labels.astype(np.float32) @ self._hot
        offsets = ours / self._n - (self._totals - ours) / self._m
        variation = 0.5 * np.abs(offsets).sum(axis=1)
        return np.asarray(self._weight * variation, dtype=np.float64)


def _measure(
    pooled: Array, part: Part, metric: Metric, n: int
) -> _OnTheLine | _OverLevels:
    if part.one_hot:
        weight = metric.weights[part.column.name]
        return _OverLevels(pooled[:, part.start : part.stop], weight, n)
    return _OnTheLine(pooled[:, part.start], float(metric.deviation[part.start]), n)


def _largest(
    measures: Sequence[Sequence[_OnTheLine | _OverLevels]], labels: NDArray[np.int8]
) -> Array:
    """Return each column's distance (k, b): the largest of its parts'."""
    return np.stack(
        [np.max([m(labels) for m in column], axis=0) for column in measures]
    )


def _some_rows(side: NDArray[np.generic], rows: int, rng: np.random.Generator) -> Array:
    if len(side) <= rows:
        return np.asarray(side, dtype=np.float64)
    chosen = np.sort(rng.choice(len(side), rows, replace=False))
    return np.asarray(side[chosen], dtype=np.float64)


def _by_column(parts: Sequence[Part]) -> list[list[Part]]:
    columns: dict[str, list[Part]] = {}
    for part in parts:
        columns.setdefault(part.column.name, []).append(part)
    return list(columns.values())


def _distance(
    encoded: Encoded,
    part: Part,
    metric: Metric,
    x_weights: Weights | None,
    y_weights: Weights | None,
) -> float:
    """Return W1 between both sides of one part, in the metric."""
    place = slice(part.start, part.stop)
    x = np.asarray(encoded.x[:, place], dtype=np.float64)
    y = np.asarray(encoded.y[:, place], dtype=np.float64)
    if part.one_hot:
        ours = np.average(x, axis=0, weights=x_weights)
        theirs = np.average(y, axis=0, weights=y_weights)
        variation = 0.5 * np.abs(ours - theirs).sum()
        return float(metric.weights[part.column.name] * variation)
    apart = wasserstein_distance(x[:, 0], y[:, 0], x_weights, y_weights)
    return float(apart / metric.deviation[part.start])


def _in_units(part: Part, distance: float, metric: Metric) -> float | None:
    if part.role != "number":
        return None
    return distance * float(metric.deviation[part.start])
