"""Weights whose largest one is missing from the sample select nothing afterwards."""

import numpy as np
import pytest
from numpy.typing import NDArray

from kantor.estimator import EstimateConfig, InvalidSamples, estimate_w1
from kantor.estimator.samples.split import random_splits, weighted_split

Array = NDArray[np.float64]

RARE, HEAVY = 0.005, 199.0
"""Half of the mass is in rows of which 250 have one or two."""


def drawn(n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return values whose weighted law is half at 0, half at 1, and their weights."""
    rare = rng.random(n) < RARE
    return rare.astype(float), np.where(rare, HEAVY, 1.0)


def test_a_heavy_test_row_changes_no_other_rows_part() -> None:
    (split,) = random_splits(300, 1, np.random.default_rng(0))
    weights = np.random.default_rng(1).uniform(0.5, 1.0, size=300)
    heavier = weights.copy()
    heavier[split.test[0]] = 1e6
    one, other = (
        weighted_split("source", split, w, np.random.default_rng(2))
        for w in (weights, heavier)
    )
    np.testing.assert_array_equal(one.fit, other.fit)
    np.testing.assert_array_equal(
        one.test[one.test != split.test[0]], other.test[other.test != split.test[0]]
    )


def test_a_stated_largest_weight_keeps_the_weighted_law() -> None:
    rng, kept = np.random.default_rng(3), []
    for _ in range(20):
        values, weights = drawn(4000, rng)
        (split,) = random_splits(4000, 1, rng)
        part = weighted_split("source", split, weights, rng, largest=HEAVY)
        kept += [*values[part.test]]
    # Half of the weighted mass is at 1; about 360 rows: a standard error of 0.027.
    assert np.mean(kept) == pytest.approx(0.5, abs=0.11)


def test_too_little_left_is_refused_and_not_selected() -> None:
    rng = np.random.default_rng(4)
    values, weights = drawn(250, rng)
    config = EstimateConfig(max_weight=HEAVY, effort="quick")
    with pytest.raises(InvalidSamples, match="at least 10 test samples"):
        estimate_w1(values, rng.normal(size=250), config, source_weights=weights)


def test_what_is_promised_without_a_stated_one_is_said() -> None:
    x, y = np.random.default_rng(5).normal(size=(2, 200, 2))
    weights = np.where(x[:, 0] > 0, 2.0, 1.0)
    config = EstimateConfig(effort="quick", steps=5, sample_bounds=False)
    plain = estimate_w1(x, y, config, source_weights=weights)
    stated = estimate_w1(x, y, config.replace(max_weight=2.0), source_weights=weights)
    assert any("No max_weight was stated" in w for w in plain.warnings)
    assert not any("max_weight" in w for w in stated.warnings)
