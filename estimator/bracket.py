"""Bracket W1 between the given samples as they are: no distribution, no confidence."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from estimator.evaluation import FORWARD_ROUNDING, EvaluatedCritic
from estimator.primal import upper_bound
from estimator.primal.clouds import cloud
from estimator.sides import Sides

Weights = NDArray[np.float64]


def sample_bracket(
    critics: list[EvaluatedCritic],
    sides: Sides,
    *,
    weights: tuple[Weights | None, Weights | None] = (None, None),
    seed: int = 0,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[float, float, str]:
    """Return (lower, upper, how the upper was found); any certified critic serves.

    Args:
        critics: The greatest of their lower bounds counts.
        sides: The samples and their scaler.
        weights: Masses a (n,) and b (m,) of sum 1; None where uniform.
        seed: Of the coupling.
        should_stop: Asked before every block of the coupling; true ends it.

    Raises:
        EstimationStopped: `should_stop` answered true; without a checkpoint.
    """
    lower = max(sample_lower_bound(critic, sides, weights) for critic in critics)
    source, target = (
        cloud(samples, sides.scaler, masses)
        for samples, masses in zip((sides.x, sides.y), weights, strict=True)
    )
    found = upper_bound(source, target, seed=seed, should_stop=should_stop)
    return lower, found.value * sides.scaler.unit, found.how


def sample_lower_bound(
    critic: EvaluatedCritic,
    sides: Sides,
    weights: tuple[Weights | None, Weights | None] = (None, None),
) -> float:
    """Return the dual objective on all given samples over L, at least 0."""
    fx = critic.values(sides.x, sides.scaler)
    fy = critic.values(sides.y, sides.scaler)
    rounding = FORWARD_ROUNDING * float(max(np.abs(fx).max(), np.abs(fy).max()))
    means = [np.average(f, weights=w) for f, w in zip((fx, fy), weights, strict=True)]
    difference = float(means[0] - means[1]) - rounding
    return max(0.0, float(difference * sides.scaler.unit / critic.lipschitz_bound))
