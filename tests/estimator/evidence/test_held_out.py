"""Test samples meet a function whose range was fixed before they were seen."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from kantor.estimator import EstimateConfig, EstimationStopped
from kantor.estimator.evidence.certified import evaluated
from kantor.estimator.evidence.held_out import (
    HeldOut,
    Witness,
    critic_file,
    held_out,
    witness_of,
)
from kantor.estimator.samples.folds import partitioned
from kantor.estimator.samples.pair import Pair
from kantor.estimator.samples.scaling import Scaler
from kantor.models.network import affine_network


def witness(n: int = 200, far: float = 0.0, *, folds: int = 1) -> Witness:
    """Return the first coordinate on two Gaussians; a test sample may lie far off."""
    x, y = np.random.default_rng(0).normal(size=(2, n, 2))
    config = EstimateConfig(folds=folds)
    row = partitioned(Pair(x, y), config).folds[-1].x.test[0]
    x[row, 0] += far
    pair = Pair(x, y)
    fold = partitioned(pair, config).folds[-1]
    critic = evaluated(affine_network(torch.tensor([1.0, 0.0])), "affine")
    return witness_of(critic, pair, fold)


def held(found: Witness, common: Scaler | None = None) -> HeldOut:
    return held_out(found, common or found.fold.scaler, confidence=0.95)


def seen(found: Witness) -> np.ndarray:
    """Return the values of all fit and validation samples."""
    x, y = found.fold.x, found.fold.y
    return np.concatenate(
        [found.x[x.fit], found.x[x.validation], found.y[y.fit], found.y[y.validation]]
    )


def test_values_stand_in_the_order_of_the_samples() -> None:
    found = witness()
    assert (len(found.x), len(found.y)) == (200, 200)
    fold, critic = found.fold, found.critic
    x = np.random.default_rng(0).normal(size=(2, 200, 2))[0]
    np.testing.assert_array_equal(found.x, critic.values(x, fold.scaler))


def test_the_range_lies_within_what_training_saw() -> None:
    found = witness()
    values, clamp = held(found).values, held(found).clamp
    assert seen(found).min() <= clamp.low < clamp.high <= seen(found).max()
    assert values.value_range == clamp.high - clamp.low
    for side in (values.x, values.y):
        assert clamp.low <= side.min() <= side.max() <= clamp.high


def test_all_test_samples_may_move_without_moving_the_range() -> None:
    found = witness()
    x, y = found.x.copy(), found.y.copy()
    x[found.fold.x.test], y[found.fold.y.test] = 1e3, -1e3
    assert held(replace(found, x=x, y=y)).clamp == held(found).clamp


@pytest.mark.parametrize("far", [50.0, -50.0])
def test_a_far_test_sample_changes_no_range_and_is_cut(far: float) -> None:
    near, found = witness(), witness(far=far)
    common = near.fold.scaler
    one, other = held(near, common), held(found, common)
    assert one.clamp == other.clamp
    assert other.values.x[0] == (other.clamp.high if far > 0 else other.clamp.low)
    np.testing.assert_array_equal(one.values.x[1:], other.values.x[1:])


def test_only_test_samples_are_counted() -> None:
    found = witness()
    values = held(found).values
    assert (len(values.x), len(values.y)) == (
        len(found.fold.x.test), len(found.fold.y.test)
    )  # fmt: skip


def test_folds_are_converted_to_the_common_unit() -> None:
    found = witness(folds=3)
    scaler = found.fold.scaler
    twice = replace(scaler, unit=2.0 * scaler.unit)
    own, common = held(found).values, held(found, twice).values
    np.testing.assert_allclose(common.x, 0.5 * own.x, rtol=1e-15)
    for name in ("value_range", "expected", "spread"):
        expected = 0.5 * getattr(own, name)
        assert getattr(common, name) == pytest.approx(expected, rel=1e-15)


def test_the_document_is_the_function_that_was_tested() -> None:
    found = witness(far=50.0)
    tested = held(found)
    x = np.random.default_rng(0).normal(size=(2, 200, 2))[0]
    x[found.fold.x.test[0], 0] += 50.0
    scores = critic_file(found, tested).potential(x[found.fold.x.test])
    expected = tested.values.x * found.fold.scaler.unit
    np.testing.assert_allclose(scores, expected, rtol=1e-12, atol=1e-12)


def test_stops_when_told() -> None:
    found = witness()
    pair = Pair(np.zeros((40, 2)), np.zeros((40, 2)))
    with pytest.raises(EstimationStopped):
        witness_of(found.critic, pair, found.fold, should_stop=lambda: True)
