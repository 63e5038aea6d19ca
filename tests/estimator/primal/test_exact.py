"""Few pairs: exact on known answers, weighted, and never below where stopped early."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import ot
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance

from kantor.estimator.primal.clouds import Cloud, cloud
from kantor.estimator.primal.exact import cost_matrix, exact_upper_bound
from kantor.estimator.samples.scaling import Scaler


def plain(samples: np.ndarray, weights: np.ndarray | None = None) -> Cloud:
    dim = samples.shape[1]
    return cloud(samples, Scaler(np.zeros(dim), np.ones(dim), 1.0), weights)


def test_equals_the_one_dimensional_distance() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=80), rng.exponential(size=53)
    value, how = exact_upper_bound(plain(x[:, None]), plain(y[:, None]))
    assert np.isclose(value, wasserstein_distance(x, y), rtol=1e-12)
    assert "exact" in how


def test_weights_equal_repeated_points() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=(20, 3))
    times = rng.integers(0, 4, size=30)
    weighted, _ = exact_upper_bound(plain(x, times / times.sum()), plain(y))
    repeated, _ = exact_upper_bound(plain(np.repeat(x, times, axis=0)), plain(y))
    assert np.isclose(weighted, repeated, rtol=1e-12)


def test_a_translation_costs_its_length() -> None:
    x = np.random.default_rng(1).normal(size=(60, 5))
    y = x + np.array([3.0, 4.0, 0.0, 0.0, 0.0])
    value, _ = exact_upper_bound(plain(x), plain(y))
    assert np.isclose(value, 5.0, rtol=1e-12)


def test_the_same_points_are_nearly_no_distance_apart() -> None:
    x = np.random.default_rng(1).normal(size=(60, 5))
    value, _ = exact_upper_bound(plain(x), plain(x[::-1].copy()))
    assert value < 1e-12


def test_an_early_stop_says_so_and_stays_above(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.random.default_rng(1).normal(size=(2, 60, 5))
    x = x[:50]  # as many points of equal mass would be an assignment
    exact, _ = exact_upper_bound(plain(x), plain(y))
    monkeypatch.setattr("kantor.estimator.primal.exact.PIVOTS", 20)
    value, how = exact_upper_bound(plain(x), plain(y))
    assert value >= exact
    assert "stopped early" in how


def test_costs_are_distances_whatever_the_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kantor.estimator.primal.exact.CHUNK_ROWS", 7)
    x, y = np.random.default_rng(1).normal(size=(2, 20, 5))
    costs = cost_matrix(plain(x), plain(y[:15]))
    # Inner products of points of norm ~2 err by about 1e-15 in squared distance.
    np.testing.assert_allclose(costs, ot.dist(x, y[:15], "euclidean"), atol=1e-7)


def test_costs_of_many_features_are_as_good_beside_near_points() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 60, 40))
    y[:30] = x[:30] + 1e-7 * rng.normal(size=(30, 40))
    y[30] = x[30]
    found = cost_matrix(plain(x), plain(y))
    np.testing.assert_allclose(found, cdist(x, y), rtol=1e-9, atol=0.0)


@pytest.mark.parametrize("dim", [3, 40])
@pytest.mark.parametrize("far", [1e8, 1e10])
def test_a_shared_far_point_costs_nothing_and_hides_nothing(
    far: float, dim: int
) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 100, dim))
    alone = exact_upper_bound(plain(x), plain(y))[0]
    x, y = (np.vstack([s, np.full(dim, far)]) for s in (x, y))
    beside = exact_upper_bound(plain(x), plain(y))[0]
    # Coordinates near the far point's size round by 1e-16 of it.
    assert beside * 101 == pytest.approx(alone * 100, rel=1e-4)


def test_solvers_in_several_threads_leave_warnings_as_they_were() -> None:
    before = list(warnings.filters)
    rng = np.random.default_rng(4)
    x, y = plain(rng.normal(size=(300, 2))), plain(rng.normal(size=(301, 2)))
    with ThreadPoolExecutor(4) as threads:
        found = [threads.submit(exact_upper_bound, x, y) for _ in range(24)]
    assert len({bound.result() for bound in found}) == 1
    assert warnings.filters == before
