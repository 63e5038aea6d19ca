"""Scaling: invertible, safe from overflow, and only conditioning."""

import numpy as np
import pytest

from kantor.estimator.samples.scaling import fit_scaler, mean_norm


@pytest.mark.parametrize("size", [1e-300, 1e-6, 1.0, 1e6, 1e300])
def test_scaled_samples_lie_at_mean_distance_one(size: float) -> None:
    x, y = size * np.random.default_rng(0).normal(size=(2, 200, 3))
    scaler = fit_scaler(x, y, "scalar")
    mean_distance = 0.5 * (mean_norm(scaler(x)) + mean_norm(scaler(y)))
    assert np.isclose(mean_distance, 1.0, rtol=1e-12)


def test_distances_are_divided_by_the_unit() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 50, 3))
    scaler = fit_scaler(x, y, "scalar")
    distances = np.linalg.norm(x - y, axis=1)
    scaled = np.linalg.norm(scaler(x) - scaler(y), axis=1)
    np.testing.assert_allclose(scaled * scaler.unit, distances, rtol=1e-12)


def test_standardizing_gives_features_equal_weight() -> None:
    scales = np.array([1e-3, 1.0, 1e3])
    x, y = scales * np.random.default_rng(0).normal(size=(2, 500, 3))
    scaled = fit_scaler(x, y, "standardize")(x)
    assert scaled.std(0).max() / scaled.std(0).min() < 1.2  # sampling error of n = 500


@pytest.mark.parametrize("scaling", ["scalar", "standardize"])
def test_coinciding_samples_are_left_alone(scaling: str) -> None:
    x = np.full((50, 2), 7.0)
    assert not fit_scaler(x, x, scaling)(x).any()  # type: ignore[arg-type]
