"""Bracket W1 between the given samples as they are: no distribution, no confidence."""

from collections.abc import Callable, Sequence

import numpy as np

from kantor.estimator.evidence.certified import FORWARD_ROUNDING
from kantor.estimator.evidence.held_out import Witness
from kantor.estimator.primal import upper_bound
from kantor.estimator.primal.clouds import cloud
from kantor.estimator.samples.folds import Sides
from kantor.estimator.samples.scaling import Scaler
from kantor.estimator.samples.split import Weights
from kantor.models.critic import Norm

IN_L2 = "{}; lengths in l2, at least those in linf"

TOO_FAR = "some samples lie too far from the others: their distances overflow"


def sample_bracket(
    witnesses: Sequence[Witness],
    *,
    norm: Norm,
    seed: int,
    sweeps: int,
    should_stop: Callable[[], bool],
) -> tuple[float, float | None, str]:
    """Return (lower, upper, how the upper was found) of W1 under the ground norm.

    Args:
        witnesses: The greatest of their lower bounds counts; any certified critic's
            serves.
        norm: The ground norm. Couplings are measured in l2, where a distance is at
            least that in linf: their cost bounds W1 under either.
        seed: Of the coupling.
        sweeps: Of the coupling, after its first.
        should_stop: Asked before every block of the coupling; true ends it.

    Raises:
        EstimationStopped: `should_stop` answered true; without a checkpoint.
    """
    common = witnesses[0].sides.scaler
    lower = max(sample_lower_bound(witness, common) for witness in witnesses)
    with np.errstate(over="ignore", invalid="ignore"):  # said by the reason instead
        value, how = sample_upper_bound(
            witnesses[0].sides, seed=seed, sweeps=sweeps, should_stop=should_stop
        )
    inexact = norm == "linf" and witnesses[0].sides.pair.dim > 1
    if not np.isfinite(value):
        return lower, None, TOO_FAR
    return lower, value, IN_L2.format(how) if inexact else how


def sample_upper_bound(
    sides: Sides, *, seed: int, sweeps: int, should_stop: Callable[[], bool]
) -> tuple[float, str]:
    """Return the cost of a feasible coupling, and what it is."""
    pair, scaler = sides.pair, sides.scaler
    found = upper_bound(
        cloud(pair.x, scaler, _masses(pair.x_weights)),
        cloud(pair.y, scaler, _masses(pair.y_weights)),
        seed=seed,
        sweeps=sweeps,
        should_stop=should_stop,
    )
    return found.value * scaler.unit, found.how


def _masses(weights: Weights | None) -> Weights | None:
    return None if weights is None else weights / weights.sum()


def sample_lower_bound(witness: Witness, common: Scaler) -> float:
    """Return the dual objective on all given samples over L, at least 0.

    In the metric of `common`, that of the upper bound.
    """
    pair, fx, fy = witness.sides.pair, witness.x, witness.y
    rounding = FORWARD_ROUNDING * float(max(np.abs(fx).max(), np.abs(fy).max()))
    source = np.average(fx, weights=pair.x_weights)
    target = np.average(fy, weights=pair.y_weights)
    share = witness.sides.scaler.share_of(common)
    return max(0.0, float(source - target - rounding) * share * common.unit)
