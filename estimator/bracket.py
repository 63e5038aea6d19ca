"""Bracket W1 between the given samples as they are: no distribution, no confidence."""

import numpy as np

from estimator.coupling import MAX_COST_ENTRIES, exact_upper_bound
from estimator.evaluation import FORWARD_ROUNDING, EvaluatedCritic
from estimator.sides import Sides


def sample_bracket(
    critics: list[EvaluatedCritic], sides: Sides
) -> tuple[float, float | None, str]:
    """Return (lower, upper or None, how or why not); any certified critic serves."""
    lower = max(sample_lower_bound(critic, sides) for critic in critics)
    entries = len(sides.x) * len(sides.y)
    if entries > MAX_COST_ENTRIES:
        return (
            lower,
            None,
            (f"exact transport needs n * m <= {MAX_COST_ENTRIES:,}, got {entries:,}"),
        )
    scaled, reason = exact_upper_bound(sides.scaler(sides.x), sides.scaler(sides.y))
    return lower, scaled * sides.scaler.unit, reason


def sample_lower_bound(critic: EvaluatedCritic, sides: Sides) -> float:
    """Return the dual objective on all given samples over L, at least 0."""
    fx = critic.values(sides.x, sides.scaler)
    fy = critic.values(sides.y, sides.scaler)
    rounding = FORWARD_ROUNDING * float(max(np.abs(fx).max(), np.abs(fy).max()))
    difference = float(fx.mean() - fy.mean()) - rounding
    return max(0.0, float(difference * sides.scaler.unit / critic.lipschitz_bound))
