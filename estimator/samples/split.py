"""Split one side's samples into fit, validation and test, at random.

Training sees fit, every choice (when to stop, which critic, the clamp range) sees fit
and validation, and the chosen critic alone meets test, once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.errors import InvalidSamples
from kantor.estimator.samples.pair import Weights

Indices = NDArray[np.intp]

FEW_SAMPLES = 5_000
FEW, MANY = (0.45, 0.1), (0.6, 0.1)
"""Shares of fit and validation below and above so many samples; the rest is test.

Where samples are few the width of the bound weighs most, and so test samples do; where
they are many, what the critic can learn.
"""

FOLD_VALIDATION_FRACTION = 0.2
FEWEST_TEST = 10


@dataclass(frozen=True)
class Split:
    """Row indices of the three parts, of disjoint rows, each in random order."""

    fit: Indices
    validation: Indices
    test: Indices


def random_splits(n: int, folds: int, rng: np.random.Generator) -> list[Split]:
    """Split n rows once to hold out a part, or by folds so that each row is tested.

    One fold: see `FEW` and `MANY`. More: each fold tests its own share of the rows and
    divides the others.
    """
    order = rng.permutation(n)
    if folds == 1:
        fit, validation = FEW if n <= FEW_SAMPLES else MANY
        fit_end = round(n * fit)
        end = fit_end + round(n * validation)
        return [Split(order[:fit_end], order[fit_end:end], order[end:])]
    parts = np.array_split(order, folds)
    return [_fold(parts, f) for f in range(folds)]


def _fold(parts: list[Indices], f: int) -> Split:
    others = np.concatenate([part for i, part in enumerate(parts) if i != f])
    end = round(len(others) * FOLD_VALIDATION_FRACTION)
    return Split(fit=others[end:], validation=others[:end], test=parts[f])


def weighted_split(
    side: str,
    split: Split,
    weights: Weights,
    rng: np.random.Generator,
    *,
    largest: float | None = None,
) -> Split:
    """Turn weights into rows: all that follows may take each row for one sample.

    A row with weight w stands for w times its share of the distribution. Fit and
    validation rows are drawn with replacement in proportion to their weights. A test
    row is kept with probability w / largest: what is kept are independent samples of
    the weighted distribution, so that every bound stays valid (rejection sampling, von
    Neumann 1951). The price is that only n mean(w) / largest test samples remain.

    Args:
        side: Source or target, for errors.
        split: Rows of the three parts.
        weights: Of all rows.
        rng: Draws the rows.
        largest: Largest weight that could occur. Where it is not known, that of the
            fit and validation rows takes its place and heavier test rows count as much:
            what is bounded then is the distribution in which no weight exceeds it.

    Raises:
        InvalidSamples: Too few test samples remain.
    """
    cap = largest or _largest_seen(split, weights)
    kept = rng.random(len(split.test)) * cap < weights[split.test]
    if kept.sum() < FEWEST_TEST:
        raise InvalidSamples(
            f"{side}_weights",
            f"expected weights that keep at least {FEWEST_TEST} test samples, got "
            f"{kept.sum()}: the largest weight is {cap / weights.mean():.3g} times the "
            "mean",
        )
    return Split(
        fit=_drawn(split.fit, weights, rng),
        validation=_drawn(split.validation, weights, rng),
        test=split.test[kept],
    )


def _largest_seen(split: Split, weights: Weights) -> float:
    """Return the largest weight of fit and validation rows; of all if that is 0."""
    seen = max(weights[split.fit].max(), weights[split.validation].max())
    return float(seen or weights.max())


def _drawn(rows: Indices, weights: Weights, rng: np.random.Generator) -> Indices:
    share = weights[rows]
    if not share.any():
        return rows
    return np.asarray(rng.choice(rows, size=len(rows), p=share / share.sum()))
