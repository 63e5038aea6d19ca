"""The chosen critic meets the test samples: values, their difference, its bounds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.evidence.bounds import TestValues
from kantor.estimator.evidence.certified import EvaluatedCritic
from kantor.estimator.evidence.clamp import Clamp, chosen_clamp
from kantor.estimator.samples.encoding import Part
from kantor.estimator.samples.folds import Fold
from kantor.estimator.samples.pair import Pair
from kantor.estimator.samples.scaling import Scaler
from kantor.estimator.witness.document import CriticFile

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Witness:
    """A critic's values over L of all given samples, in the scaled units of a fold."""

    critic: EvaluatedCritic
    fold: Fold
    x: Array
    y: Array


@dataclass(frozen=True)
class HeldOut:
    """Clamped critic values of the test samples over L, in multiples of a unit.

    The clamp, in scaled units, comes from fit and validation samples alone, so the test
    samples meet a function that was fixed before, bounded, and still 1-Lipschitz.
    """

    values: TestValues
    clamp: Clamp


def witness_of(
    critic: EvaluatedCritic,
    pair: Pair,
    fold: Fold,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> Witness:
    """Evaluate a critic on every given sample, once, in the order of the arrays.

    Raises:
        EstimationStopped: `should_stop` answered true; without a checkpoint.
    """
    x, y = (
        critic.values(samples, fold.scaler, should_stop=should_stop)
        for samples in (pair.x, pair.y)
    )
    return Witness(critic, fold, x, y)


def held_out(witness: Witness, common: Scaler, *, confidence: float) -> HeldOut:
    """Choose the clamp on fit and validation samples, then clamp the test values.

    `common` gives metric and unit to all folds, whose own scalers differ.
    """
    x, y, fold = witness.x, witness.y, witness.fold
    clamp = chosen_clamp(
        (x[fold.x.fit], y[fold.y.fit]),
        (x[fold.x.validation], y[fold.y.validation]),
        test_pairs=min(len(fold.x.test), len(fold.y.test)),
        confidence=confidence,
    )
    share = fold.scaler.share_of(common)
    values = TestValues(
        x=share * clamp(x[fold.x.test]),
        y=share * clamp(y[fold.y.test]),
        value_range=share * clamp.value_range,
        expected=share * clamp.expected,
        spread=share * clamp.spread,
    )
    return HeldOut(values, clamp)


def critic_file(
    witness: Witness, held: HeldOut, *, parts: Sequence[Part] | None = None
) -> CriticFile:
    """Return the document of the evaluated critic; `parts` are features of columns."""
    return CriticFile(
        family=witness.critic.family.name,
        function=witness.critic.potential(),
        scaler=witness.fold.scaler,
        low=held.clamp.low,
        high=held.clamp.high,
        lipschitz_bound=witness.critic.lipschitz_bound,
        parts=None if parts is None else tuple(parts),
    )
