"""The smallest distance that a bound would tell from zero with probability `POWER`.

No formula: the bound itself meets resampled values (bootstrap), moved so that they show
no difference. A bound moves with its values, so that a difference of minus the
1 - POWER quantile of these bounds lifts the bound above 0 with probability POWER.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.evidence.bounds import (
    POWER,
    Order,
    Stakes,
    TestValues,
    betting_bound,
    log_capitals,
)

Array = NDArray[np.float64]

RESAMPLES = 160
MOST_PAIRS = 2_048
"""Pairs that a resample of a capital meets; the answer is scaled to their number."""

_BISECTIONS = 10
_CHANGES = 256  # of bets; fewer than a bound has, for speed


def detectable_distance(
    bound: Callable[..., float],
    parts: Sequence[TestValues],
    rng: np.random.Generator,
    *,
    confidence: float,
    order: Order = "sequential",
) -> float:
    """Return the difference that `bound` would find above 0 with probability `POWER`.

    Args:
        bound: A bound of `bounds`, taken at `confidence` and `order`.
        parts: The held-out values, whose spread is taken as given.
        rng: Draws the resamples.
        confidence: Of the bound.
        order: How the parts' functions were chosen.
    """
    if not any(part.value_range for part in parts):
        return 0.0
    parts = [replace(p, x=p.x - p.difference) for p in parts]
    if bound is betting_bound:
        found = _betting_bounds(parts, rng, 1.0 - confidence, order)
    else:
        found = np.array(
            [
                bound(_resampled(parts, rng), confidence=confidence, order=order)
                for _ in range(RESAMPLES)
            ]
        )
    return float(max(0.0, -np.quantile(found, 1.0 - POWER)))


def _resampled(
    parts: Sequence[TestValues], rng: np.random.Generator
) -> list[TestValues]:
    return [
        replace(p, x=rng.choice(p.x, len(p.x)), y=rng.choice(p.y, len(p.y)))
        for p in parts
    ]


def _betting_bounds(
    parts: Sequence[TestValues], rng: np.random.Generator, alpha: float, order: Order
) -> Array:
    """Return bounds (RESAMPLES,) by betting on resampled pairs."""
    if order == "sequential":
        return _capital_bounds(Stakes.of(parts), rng, alpha)
    each = [
        _capital_bounds(Stakes.of([part]), rng, alpha / len(parts)) for part in parts
    ]
    return np.asarray(np.max(each, axis=0))


def _capital_bounds(stakes: Stakes, rng: np.random.Generator, alpha: float) -> Array:
    """Bisect, for all resamples at once, the mean that a capital rejects."""
    pairs = len(stakes.z)
    kept = min(pairs, MOST_PAIRS)
    z = stakes.z[rng.integers(pairs, size=(RESAMPLES, kept))]
    reach = float(stakes.reach.max())
    error = float(stakes.z.std()) / np.sqrt(kept)
    low = np.full(RESAMPLES, -min(2.0 * reach, 8.0 * error + 20.0 * reach / kept))
    high = np.full(RESAMPLES, 4.0 * error)
    target = -float(np.log(alpha))
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        # What decides is a bet against 0, so the values move instead of the mean.
        moved = np.maximum(z - middle[:, None], -reach)
        fresh = Stakes(moved, np.full(kept, reach), stakes.variance)
        logs = log_capitals(fresh, np.zeros(RESAMPLES), target, changes=_CHANGES)
        rejected = logs >= target
        low, high = np.where(rejected, middle, low), np.where(rejected, high, middle)
    return np.asarray(low * np.sqrt(kept / pairs))
