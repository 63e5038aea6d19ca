"""On the line: exact at any size, weighted, far from the origin."""

import numpy as np
import pytest

from kantor.estimator.primal import upper_bound
from kantor.estimator.primal.clouds import Cloud, cloud
from kantor.estimator.samples.scaling import Scaler, fit_scaler


def line(points: np.ndarray, weights: np.ndarray | None = None) -> Cloud:
    return cloud(points[:, None], Scaler(np.zeros(1), np.ones(1), 1.0), weights)


def test_quantiles_give_the_same_at_equal_sizes() -> None:
    x, y = np.random.default_rng(0).standard_t(3, size=(2, 100_000))
    found = upper_bound(line(x), line(y))
    assert found.value == pytest.approx(np.abs(np.sort(x) - np.sort(y)).mean())
    assert found.how == "exact, by sorting"


def test_weights_move_mass() -> None:
    x = np.array([0.0, 1.0, 5.0])
    value = upper_bound(line(x, np.array([0.5, 0.5, 0.0])), line(np.array([3.0]))).value
    assert value == pytest.approx(2.5)


def test_a_far_offset_leaves_the_distance() -> None:
    x = np.random.default_rng(0).normal(size=1000)
    pair = (x + 1e6)[:, None], (x + 1e6 + 0.25)[:, None]
    scaler = fit_scaler(*pair, "scalar")
    value = upper_bound(*(cloud(side, scaler) for side in pair)).value
    # Numbers of size 1e6 are held to 1e-10.
    assert value * scaler.unit == pytest.approx(0.25, abs=1e-9)
