"""The chosen critic meets the test samples: values, their difference, its bounds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.evidence.bounds import TestValues
from kantor.estimator.evidence.certified import EvaluatedCritic
from kantor.estimator.samples.folds import Sides
from kantor.estimator.samples.scaling import Scaler
from kantor.estimator.witness.document import CriticFile

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Witness:
    """A critic's values over L of all given samples of one fold, in scaled units."""

    critic: EvaluatedCritic
    sides: Sides
    x: Array
    y: Array


@dataclass(frozen=True)
class HeldOut:
    """Clamped critic values of the test samples over L, in multiples of a unit.

    The clamp range [low, high], in scaled units, comes from fit and validation samples
    alone, so the test samples meet a function that was fixed before, bounded, and still
    1-Lipschitz.
    """

    values: TestValues
    low: float
    high: float


def witness_of(critic: EvaluatedCritic, sides: Sides) -> Witness:
    """Evaluate a critic on every given sample, once, in the order of the arrays."""
    pair = sides.pair
    x, y = (critic.values(samples, sides.scaler) for samples in (pair.x, pair.y))
    return Witness(critic, sides, x, y)


def held_out(witness: Witness, common: Scaler) -> HeldOut:
    """Take the range from fit and validation samples, then the test values, clamped.

    `common` gives metric and unit to all folds, whose own scalers differ.
    """
    x, y, sides = witness.x, witness.y, witness.sides
    seen = np.concatenate(
        [
            x[sides.split_x.fit],
            x[sides.split_x.validation],
            y[sides.split_y.fit],
            y[sides.split_y.validation],
        ]
    )
    low, high = float(seen.min()), float(seen.max())
    share = sides.scaler.share_of(common)
    values = TestValues(
        x=share * np.clip(x[sides.split_x.test], low, high),
        y=share * np.clip(y[sides.split_y.test], low, high),
        value_range=share * (high - low),
    )
    return HeldOut(values, low, high)


def critic_file(witness: Witness, held: HeldOut) -> CriticFile:
    """Return the document of the evaluated critic."""
    return CriticFile(
        function=witness.critic.potential(),
        scaler=witness.sides.scaler,
        low=held.low,
        high=held.high,
        lipschitz_bound=witness.critic.lipschitz_bound,
    )
