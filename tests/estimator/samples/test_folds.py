"""Partitions: folds by the seed, scalers of fit parts, a print of what is trained."""

from typing import Any

import numpy as np
import pytest

from kantor.estimator import EstimateConfig
from kantor.estimator.samples.folds import Partition, fingerprint_of, partitioned
from kantor.estimator.samples.pair import Pair
from kantor.estimator.samples.scaling import fit_scaler


def pair(seed: int = 0) -> Pair:
    rng = np.random.default_rng(seed)
    return Pair(rng.normal(size=(200, 3)), rng.normal(size=(150, 3)) + 1.0)


def divided(samples: Pair | None = None, **settings: Any) -> Partition:
    return partitioned(samples or pair(), EstimateConfig(**settings))


@pytest.mark.parametrize("folds", [1, 4])
def test_each_fold_is_scaled_by_its_own_fit_samples(folds: int) -> None:
    partition = divided(folds=folds)
    assert len(partition.folds) == folds
    for fold in partition.folds:
        x, y = partition.pair.x[fold.x.fit], partition.pair.y[fold.y.fit]
        expected = fit_scaler(x, y, "scalar")
        assert fold.scaler.unit == expected.unit
        np.testing.assert_array_equal(fold.scaler.center, expected.center)
    assert partition.common is partition.folds[0].scaler


def test_the_answers_unit_sees_no_test_sample() -> None:
    samples = pair()
    fold = divided(samples).folds[0]
    changed = np.array(samples.x)
    changed[np.concatenate([fold.x.test, fold.x.validation])] = 1e6
    assert divided(Pair(changed, samples.y)).common.unit == fold.scaler.unit


def test_sides_are_divided_apart_by_one_seed() -> None:
    one, again, other = divided(seed=1), divided(seed=1), divided(seed=2)
    np.testing.assert_array_equal(one.folds[0].x.test, again.folds[0].x.test)
    assert set(one.folds[0].x.test) != set(other.folds[0].x.test)
    equal = Pair(pair().x, pair().x)
    fold = divided(equal).folds[0]
    assert set(fold.x.test) != set(fold.y.test)


def test_all_folds_together_test_every_sample() -> None:
    assert divided(folds=3).n_test == (200, 150)
    # Few samples: 0.45 of them fit, 0.1 validate, both rounded; the rest is test.
    assert divided().n_test == (200 - 90 - 20, 150 - 68 - 15)


CHANGES: dict[str, Partition] = {
    "samples": divided(pair(1)),
    "one side's number": divided(Pair(pair().x[:-1], pair().y)),
    "weights": divided(Pair(pair().x, pair().y, np.linspace(0.5, 1.0, 200))),
    "the seed": divided(seed=5),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_the_fingerprint_tells_what_is_trained_on(changed: str) -> None:
    config = EstimateConfig()
    before, after = (fingerprint_of(p, config) for p in (divided(), CHANGES[changed]))
    assert before != after
    assert before == fingerprint_of(divided(), config)


def test_the_fingerprint_tells_settings_apart() -> None:
    partition = divided()
    prints = {
        fingerprint_of(partition, EstimateConfig(**settings))
        for settings in ({}, {"steps": 5}, {"learning_rate": 0.1}, {"width": 32})
    }
    assert len(prints) == 4
