"""Where two samples differ, as the critic of the first fold sees it.

The potential is high where the source outweighs the target, so that its extremes are
what is most typical of one side alone. Its gradient points the way mass has to move: of
length 1 almost everywhere for critics that keep gradients (Anil, Lucas & Grosse 2019,
arXiv:1811.05381, section 4.1), its components say which features that way leads along.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.result import (
    Attribution,
    Differences,
    Extreme,
    GradientNorm,
    Histogram,
)
from kantor.estimator.samples.encoding import Part
from kantor.estimator.samples.pair import Pair, Samples, Weights
from kantor.estimator.samples.split import Indices
from kantor.estimator.streams import Stream
from kantor.estimator.witness.document import CriticFile
from kantor.models.vocabulary import Norm

Array = NDArray[np.float64]

EXTREMES = 10
FEATURES = 64
BINS = 40
GRADIENT_ROWS = 2000
GRADIENT_WORK = 500_000_000
"""Samples of a side whose gradients are looked at, and samples times parameters: at
most, but for `FEWEST_ROWS`. It keeps time and memory small whatever the dimension."""
FEWEST_ROWS = 50

STEEP = 0.99
_NARROWEST = 1e-9  # bins of a narrower range, relative to its ends, would be rounding


def differences_of(
    critic: CriticFile,
    pair: Pair,
    x: Array,
    y: Array,
    *,
    norm: Norm,
    seed: int,
    parts: Sequence[Part] | None = None,
) -> Differences:
    """Describe where the sides of a pair differ.

    Args:
        critic: The evaluated critic.
        pair: The samples; weights count in everything but the values themselves.
        x: Its values (n,) of the source's samples in scaled units, not clamped.
        y: Its values (m,) of the target's.
        norm: Ground norm, in whose dual the gradients are measured.
        seed: Of the choice of samples whose gradients are looked at.
        parts: What the features belong to, where they came from columns.
    """
    rng = Stream.DIFFERENCES.generator(seed)
    slopes = np.concatenate(
        [
            _slopes(critic, pair.x, pair.x_weights, rng),
            _slopes(critic, pair.y, pair.y_weights, rng),
        ]
    )
    shares = np.abs(slopes) if norm == "linf" else slopes**2
    totals = shares.sum(1)
    norms = totals if norm == "linf" else np.sqrt(totals)
    return Differences(
        source_extremes=_extremes(critic, x, -x, pair.x_weights),
        target_extremes=_extremes(critic, y, y, pair.y_weights),
        attribution=_attribution(shares.mean(0), slopes.mean(0), parts),
        gradient_norm=GradientNorm(
            rows=len(norms),
            mean=float(norms.mean()),
            steep_share=float((norms > STEEP).mean()),
        ),
        histogram=_histogram(critic.clamped(x), critic.clamped(y), pair),
    )


def _slopes(
    critic: CriticFile,
    samples: Samples,
    weights: Weights | None,
    rng: np.random.Generator,
) -> Array:
    """Return gradients (rows, d) in the features that the metric sees."""
    parameters = sum(array.size for array in critic.function.to_tensors().values())
    affordable = max(FEWEST_ROWS, GRADIENT_WORK // parameters)
    size = min(len(samples), GRADIENT_ROWS, affordable)
    if weights is None:
        rows = rng.choice(len(samples), size, replace=False)
    else:
        rows = rng.choice(len(samples), size, p=weights / weights.sum())
    return critic.gradient(samples[np.sort(rows)]) * critic.scaler.deviation


def _extremes(
    critic: CriticFile, values: Array, order: Array, weights: Weights | None
) -> list[Extreme]:
    """Return the samples that come first in an order, but for those without weight.

    Ordered before clamping, which would make equals of the most extreme.
    """
    rows: Indices = np.arange(len(values))
    if weights is not None:
        rows = np.flatnonzero(weights)
    first = rows[_first(order[rows], EXTREMES)]
    potentials = critic.clamped(values[first])
    return [
        Extreme(row=int(row), value=float(value))
        for row, value in zip(first, potentials, strict=True)
    ]


def _first(values: Array, count: int) -> Indices:
    """Return where the smallest values are, equal ones in their order."""
    near: Indices = np.arange(len(values))
    if len(values) > count:  # most of millions need no place
        near = np.flatnonzero(values <= np.partition(values, count)[count])
    return np.asarray(near[np.argsort(values[near], kind="stable")[:count]])


def _attribution(
    shares: Array, slopes: Array, parts: Sequence[Part] | None
) -> list[Attribution]:
    """Return the features of the largest shares (d,) with their mean slopes (d,).

    Or the columns, whose features' shares are summed.
    """
    if parts is not None:
        return _by_column(shares, slopes, parts)
    largest = np.argsort(-shares, kind="stable")[:FEATURES]
    return [
        Attribution(feature=int(j), share=float(shares[j]), slope=float(slopes[j]))
        for j in largest
    ]


def _by_column(
    shares: Array, slopes: Array, parts: Sequence[Part]
) -> list[Attribution]:
    found: dict[str, Attribution] = {}
    for part in parts:
        name, share = part.column.name, float(shares[part.start : part.stop].sum())
        if name in found:  # whether the number is missing
            found[name] = replace(found[name], share=found[name].share + share)
            continue
        slope = None if part.one_hot else float(slopes[part.start])
        found[name] = Attribution(
            feature=part.start, share=share, slope=slope, column=name
        )
    return sorted(found.values(), key=lambda item: -item.share)[:FEATURES]


def _histogram(x: Array, y: Array, pair: Pair) -> Histogram:
    edges = _edges(min(x.min(), y.min()), max(x.max(), y.max()))

    def shares(values: Array, weights: Weights | None) -> list[float]:
        weights = np.ones(len(values)) if weights is None else weights
        counts = np.histogram(values, edges, weights=weights)[0]
        return [float(share) for share in counts / weights.sum()]

    return Histogram(
        edges=[float(edge) for edge in edges],
        source=shares(x, pair.x_weights),
        target=shares(y, pair.y_weights),
    )


def _edges(low: float, high: float) -> Array:
    """Return the ends of equal bins from low to high, or around them if they agree."""
    size = max(abs(low), abs(high))
    if high - low <= _NARROWEST * size or size == 0.0:
        margin = 0.5 * size or 0.5
        low, high = low - margin, high + margin
    return np.linspace(low, high, BINS + 1)
