"""The p-value: its level where P = Q, what all samples see, what weights change."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from kantor.estimator.config import EstimateConfig
from kantor.estimator.evidence.bounds import TestValues
from kantor.estimator.evidence.p_value import SHARES, p_value_of
from kantor.estimator.evidence.permutation import permutation_p_value
from kantor.estimator.samples.folds import Partition, partitioned
from kantor.estimator.samples.pair import check_pair

Array = NDArray[np.float64]


def split_in(
    x: Array, y: Array, *, folds: int = 1, weights: Array | None = None
) -> Partition:
    return partitioned(check_pair(x, y, weights), EstimateConfig(folds=folds))


def affine_parts(partition: Partition) -> list[TestValues]:
    """Return each fold's values along the difference of its fit means."""
    parts, pair = [], partition.pair
    for fold in partition.folds:
        x, y = np.asarray(pair.x), np.asarray(pair.y)
        direction = x[fold.x.fit].mean(0) - y[fold.y.fit].mean(0)
        tested = x[fold.x.test] @ direction, y[fold.y.test] @ direction
        parts.append(TestValues(tested[0], tested[1], 1.0))
    return parts


def p_value(x: Array, y: Array, *, folds: int = 1, seed: int = 0) -> float:
    partition = split_in(x, y, folds=folds)
    return p_value_of(partition, affine_parts(partition), seed=seed)


@pytest.mark.parametrize("folds", [1, 2])
def test_false_alarms_stay_within_the_level(folds: int) -> None:
    rng, trials = np.random.default_rng(1), 25
    alarms = 0
    for seed in range(trials):
        x, y = rng.standard_t(3, size=(2, 40, 3))
        alarms += p_value(x, y, folds=folds, seed=seed) < 0.05
    # Passed by a test of exactly this level in 999 of 1,000 runs.
    assert alarms <= binom.ppf(0.999, trials, 0.05)


def test_sees_a_change_of_spread_that_the_critic_misses() -> None:
    x, y = np.random.default_rng(2).normal(size=(2, 200, 10))
    partition = split_in(1.3 * x, y)
    parts = affine_parts(partition)
    alone = permutation_p_value(parts[0].x, parts[0].y, np.random.default_rng(0))
    assert alone > 0.05
    assert p_value_of(partition, parts, seed=0) < 0.01


def test_sees_what_the_critic_alone_sees() -> None:
    x, y = np.random.default_rng(3).normal(size=(2, 200, 3))
    partition = split_in(x, y)
    apart = TestValues(np.ones(90) + x[:90, 0], y[:90, 0], value_range=9.0)
    # The least of 4,999 permutations, over the critics' share of the level.
    assert p_value_of(partition, [apart], seed=0) <= 1e-3 / SHARES[1]


def test_weighted_samples_are_judged_by_the_critics_alone() -> None:
    x, y = np.random.default_rng(4).normal(size=(2, 200, 2))
    weights = np.where(x[:, 0] > 0.5, 1.0, 2.0)
    partition = split_in(5.0 * x, y, weights=weights)
    same = np.random.default_rng(5).normal(size=(2, 80))
    blind = TestValues(same[0], same[1], value_range=9.0)
    alone = permutation_p_value(same[0], same[1], np.random.default_rng(0))
    # Rows with weights are not exchangeable: scale 5 is for the critics to find.
    assert p_value_of(partition, [blind], seed=0) == pytest.approx(alone, abs=0.05)


def test_same_seed_gives_the_same_bits() -> None:
    x, y = np.random.default_rng(6).normal(size=(2, 90, 2))
    assert p_value(x, y, seed=7) == p_value(x, y, seed=7)


def test_many_samples_are_looked_at_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kantor.estimator.evidence.p_value.MOST_ROWS", 300)
    x, y = np.random.default_rng(8).normal(size=(2, 4000, 2))
    assert p_value(2.0 * x, y) < 0.01
