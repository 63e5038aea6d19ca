"""Splits: disjoint parts, folds that test each row once, weights turned into rows."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from kantor.estimator import EstimateConfig, InvalidSamples
from kantor.estimator.evidence.bounds import TestValues, betting_bound
from kantor.estimator.samples.folds import partitioned
from kantor.estimator.samples.pair import Pair
from kantor.estimator.samples.scaling import fit_scaler
from kantor.estimator.samples.split import (
    FEWEST_TEST,
    Split,
    random_splits,
    weighted_split,
)

Array = NDArray[np.float64]


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def rows(split: Split) -> list[int]:
    parts = [split.fit, split.validation, split.test]
    return sorted(int(i) for part in parts for i in part)


@pytest.mark.parametrize("folds", [1, 2, 3, 20])
@pytest.mark.parametrize("n", [40, 41, 1000])
def test_parts_are_disjoint_and_complete(n: int, folds: int) -> None:
    splits = random_splits(n, folds, generator())
    assert len(splits) == folds
    assert all(rows(split) == list(range(n)) for split in splits)


@pytest.mark.parametrize("folds", [2, 3, 20])
def test_folds_test_each_row_once(folds: int) -> None:
    splits = random_splits(41, folds, generator())
    tested = np.concatenate([split.test for split in splits])
    assert sorted(tested) == list(range(41))
    assert min(len(split.test) for split in splits) >= 2


def categories(n: int, seed: int) -> tuple[NDArray[np.intp], Array]:
    """Draw categories 0 to 3 uniformly, of weights 1 to 4."""
    drawn = generator(seed).integers(0, 4, n)
    return drawn, (drawn + np.float64(1.0)) / 4.0


@pytest.mark.parametrize("part", ["fit", "validation", "test"])
def test_parts_have_the_weighted_distribution(part: str) -> None:
    drawn, weights = categories(40_000, seed=1)
    split = random_splits(40_000, 1, generator())[0]
    found = getattr(weighted_split("source", split, weights, generator(2)), part)
    counts = np.bincount(drawn[found], minlength=4)
    expected = len(found) * np.array([1, 2, 3, 4]) / 10
    # False alarm of a chi-square test: 1e-4, and the seed is fixed. Rows drawn with
    # replacement vary by up to twice a multinomial sample, hence the half.
    statistic = float(((counts - expected) ** 2 / expected).sum())
    assert statistic / (1 if part == "test" else 2) < stats.chi2.isf(1e-4, 3)


def test_weighted_parts_share_no_row() -> None:
    split = random_splits(500, 1, generator())[0]
    found = weighted_split("source", split, generator(1).random(500), generator())
    assert set(found.fit) <= set(split.fit)
    assert set(found.validation) <= set(split.validation)
    assert set(found.test) <= set(split.test)
    assert len(found.test) == len(set(found.test))


def test_equal_weights_keep_every_test_row() -> None:
    split = random_splits(100, 1, generator())[0]
    found = weighted_split("source", split, np.ones(100), generator())
    np.testing.assert_array_equal(found.test, split.test)


def test_rows_without_weight_appear_nowhere() -> None:
    weights = (np.arange(400) % 2).astype(np.float64)
    split = random_splits(400, 1, generator())[0]
    found = weighted_split("source", split, weights, generator())
    assert all(i % 2 for i in rows(found))


@pytest.mark.parametrize("folds", [1, 3])
def test_too_few_test_samples_are_refused(folds: int) -> None:
    weights = np.full(400, 1e-6)
    weights[7] = 1.0
    pair = Pair(np.zeros((400, 1)), np.zeros((400, 1)), y_weights=weights)
    with pytest.raises(InvalidSamples) as refused:
        partitioned(pair, EstimateConfig(folds=folds))
    assert refused.value.field == "target_weights"
    assert f"at least {FEWEST_TEST} test samples" in refused.value.reason


def test_bounds_hold_where_the_largest_weight_is_stated() -> None:
    # Weights e^u of uniform u: P is the law of u of density e^u / (e - 1), and the
    # mean of u is 1 / (e - 1). A valid bound errs in 10 % of 400 trials on average, in
    # more than 58 with probability below 0.2 %.
    truth, errors, rng = 1.0 / (np.e - 1.0), 0, generator(5)
    for _ in range(400):
        u = rng.random(400)
        whole = random_splits(400, 1, rng)[0]
        split = weighted_split("source", whole, np.exp(u), rng, largest=np.e)
        values = u[split.test] - truth
        part = TestValues(values, np.zeros_like(values), 1.0)
        errors += betting_bound([part], confidence=0.9) > 0.0
    assert errors <= 58


def test_a_common_metric_stretches_no_other() -> None:
    x = generator().normal(size=(300, 3)) * [1.0, 10.0, 100.0]
    one, other = (fit_scaler(s, s, "standardize") for s in (x[:150], x[150:]))
    steps = np.linalg.norm(np.diff(other(x), axis=0), axis=1) * one.unit
    common = np.linalg.norm(np.diff(one(x), axis=0), axis=1) * one.unit
    assert (other.share_of(one) * steps <= common * (1 + 1e-12)).all()
    assert one.share_of(one) == 1.0


def test_critics_see_no_overflow() -> None:
    x = generator().normal(size=(50, 2))
    scaler = fit_scaler(x, x, "scalar")
    far = scaler.for_critic(np.array([[1e300, -1e300]]))
    assert np.isfinite(far.astype(np.float32) ** 2).all()
    np.testing.assert_array_equal(scaler.for_critic(x), scaler(x))
