"""The p-value for P = Q: a test that needs no training beside the held-out critics.

Both are exact at every sample size, and Bonferroni's inequality, with most of the level
for the test in which every sample testifies, holds however they depend on each other.
"""

from collections.abc import Sequence

import numpy as np

from kantor.estimator.evidence.bounds import TestValues
from kantor.estimator.evidence.permutation import (
    permutation_p_value,
    weighted_bonferroni,
)
from kantor.estimator.evidence.pooled import (
    LEAST_P_VALUE,
    MOST_ROWS,
    pooled_p_value,
)
from kantor.estimator.samples.folds import Partition
from kantor.estimator.samples.pair import Samples
from kantor.estimator.samples.scaling import Scaler
from kantor.estimator.streams import Stream

SHARES = (0.9, 0.1)
"""Of the level: for the pooled test, and for the critics."""


def p_value_of(
    partition: Partition, parts: Sequence[TestValues], *, seed: int
) -> float:
    """Return the p-value of P = Q.

    Samples with weights are no exchangeable rows; there the critics testify alone, on
    test rows that were drawn by their weights.

    Args:
        partition: The samples.
        parts: Values of each fold's critic on its test samples.
        seed: Of the permutations.
    """
    rng = Stream.PERMUTATIONS.generator(seed)
    each = [permutation_p_value(part.x, part.y, rng) for part in parts]
    critics = weighted_bonferroni(each, [1.0] * len(each))
    pair = partition.pair
    if pair.x_weights is not None or pair.y_weights is not None:
        return critics
    if critics / SHARES[1] <= LEAST_P_VALUE / SHARES[0]:
        return critics / SHARES[1]  # whatever the pooled test would say
    x, y = (_some_rows(side, partition.common, rng) for side in (pair.x, pair.y))
    return weighted_bonferroni([pooled_p_value(x, y, rng), critics], SHARES)


def _some_rows(
    samples: Samples, scaler: Scaler, rng: np.random.Generator
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return at most `MOST_ROWS` random rows, scaled."""
    if len(samples) <= MOST_ROWS:
        return scaler.for_critic(samples)
    rows = np.sort(rng.choice(len(samples), MOST_ROWS, replace=False))
    return scaler.for_critic(samples[rows])
