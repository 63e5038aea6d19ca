"""Bracket W1 between the given samples as they are: no distribution, no confidence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kantor.estimator.evidence.certified import FORWARD_ROUNDING
from kantor.estimator.evidence.held_out import Witness
from kantor.estimator.primal import upper_bound
from kantor.estimator.primal.clouds import cloud
from kantor.estimator.samples.folds import Partition
from kantor.estimator.samples.pair import Pair, Weights
from kantor.estimator.samples.scaling import Scaler
from kantor.models.vocabulary import Norm

IN_L2 = "{}; lengths in l2, at least those in linf"

TOO_FAR = "some samples lie too far from the others: their distances overflow"

COST_ROUNDING = 1e-12
"""Relative rounding of a cost that is scaled, summed and scaled back, allowed for."""


@dataclass(frozen=True)
class Bracket:
    """Bounds on W1 between the given samples, in the units of the data.

    Attributes:
        lower: None where no bracket was asked for.
        upper: None there too, and where distances overflow.
        how: How the upper bound was found, or why it is missing.
    """

    lower: float | None
    upper: float | None
    how: str


NOT_ASKED_FOR = Bracket(None, None, "not asked for")


def sample_bracket(
    witnesses: Sequence[Witness],
    partition: Partition,
    *,
    norm: Norm,
    seed: int,
    sweeps: int,
    should_stop: Callable[[], bool],
) -> Bracket:
    """Bracket W1 between the given samples under the ground norm.

    Args:
        witnesses: The greatest of their lower bounds counts; any certified critic's
            serves.
        partition: The samples, and the scaler that gives them metric and unit.
        norm: The ground norm. Couplings are measured in l2, where a distance is at
            least that in linf: their cost bounds W1 under either.
        seed: Of the coupling.
        sweeps: Of the coupling, after its first.
        should_stop: Asked before every block of the coupling; true ends it.

    Raises:
        EstimationStopped: `should_stop` answered true; without a checkpoint.
    """
    pair, common = partition.pair, partition.common
    lower = max(sample_lower_bound(witness, pair, common) for witness in witnesses)
    with np.errstate(over="ignore", invalid="ignore"):  # said by `how` instead
        found = upper_bound(
            cloud(pair.x, common, _masses(pair.x_weights)),
            cloud(pair.y, common, _masses(pair.y_weights)),
            seed=seed,
            sweeps=sweeps,
            should_stop=should_stop,
        )
        upper = found.value * common.unit * (1.0 + COST_ROUNDING)
    if not np.isfinite(upper):
        return Bracket(lower, None, TOO_FAR)
    inexact = norm == "linf" and pair.dim > 1
    return Bracket(lower, upper, IN_L2.format(found.how) if inexact else found.how)


def _masses(weights: Weights | None) -> Weights | None:
    return None if weights is None else weights / weights.sum()


def sample_lower_bound(witness: Witness, pair: Pair, common: Scaler) -> float:
    """Return the dual objective on all given samples over L, at least 0.

    In the metric of `common`, that of the upper bound.
    """
    fx, fy = witness.x, witness.y
    rounding = FORWARD_ROUNDING * float(max(np.abs(fx).max(), np.abs(fy).max()))
    source = np.average(fx, weights=pair.x_weights)
    target = np.average(fy, weights=pair.y_weights)
    share = witness.fold.scaler.share_of(common)
    return max(0.0, float(source - target - rounding) * share * common.unit)
