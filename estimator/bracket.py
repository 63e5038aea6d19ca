"""Bracket W1 between the given samples as they are: no distribution, no confidence."""

from collections.abc import Sequence

import numpy as np

from estimator.coupling import MAX_COST_ENTRIES, exact_upper_bound
from estimator.evaluation import FORWARD_ROUNDING
from estimator.held_out import Witness
from estimator.sides import Sides


def sample_bracket(
    witnesses: Sequence[Witness],
) -> tuple[float, float | None, str]:
    """Return (lower, upper or None, how or why not); any certified critic serves."""
    lower = max(sample_lower_bound(witness) for witness in witnesses)
    return lower, *sample_upper_bound(witnesses[0].sides)


def sample_upper_bound(sides: Sides) -> tuple[float | None, str]:
    """Return the cost of a feasible coupling and what it is, or None and why."""
    pair, scaler = sides.pair, sides.scaler
    entries = len(pair.x) * len(pair.y)
    if entries > MAX_COST_ENTRIES:
        return (
            None,
            f"exact transport needs n * m <= {MAX_COST_ENTRIES:,}, got {entries:,}",
        )
    scaled, reason = exact_upper_bound(scaler(pair.x), scaler(pair.y))
    return scaled * scaler.unit, reason


def sample_lower_bound(witness: Witness) -> float:
    """Return the dual objective on all given samples over L, at least 0."""
    pair, fx, fy = witness.sides.pair, witness.x, witness.y
    rounding = FORWARD_ROUNDING * float(max(np.abs(fx).max(), np.abs(fy).max()))
    source = np.average(fx, weights=pair.x_weights)
    target = np.average(fy, weights=pair.y_weights)
    return max(0.0, float(source - target - rounding) * witness.sides.scaler.unit)
