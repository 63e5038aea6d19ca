"""Pairs moved along rays: the potential falls by exactly what each row moves."""

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.closed_sets import (
    DistanceToSets,
    LowRankMatrices,
    SparseVectors,
    Sphere,
)
from benchmarks.distance_sets import (
    cube,
    gaussian,
    network,
    random_flat,
    ray_problems,
)
from benchmarks.known_truth import SMALL
from benchmarks.problems import Problem, catalog, select
from benchmarks.rays import OrthonormalNetwork, RayPair, uniform_share
from kantor.estimator.planted import Flat

RNG = np.random.default_rng


def pair_of(problem: Problem) -> RayPair:
    found = problem.sample.__self__  # type: ignore[attr-defined]
    assert isinstance(found, RayPair)
    return found


@pytest.mark.parametrize(
    "name",
    [
        "flats-16d", "flats-32d-all", "flats-digits", "planes-8d", "planes-heavy",
        "spheres-16d", "sparse-32d", "low-rank-digits", "network-16d", "network-32d",
    ],
)  # fmt: skip
def test_potential_falls_by_what_each_row_moves(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.distance_sets.TRUTH_SAMPLES", 4000)
    pair = pair_of(next(select(name)))
    x, y = pair.pairs(1000, RNG(3))
    fallen = pair.potential.height(y) - pair.potential.height(x)
    moved = np.linalg.norm(y - x, axis=1)
    np.testing.assert_allclose(fallen, moved, rtol=0, atol=1e-9)
    assert moved.mean() > 0.05


@pytest.mark.parametrize("name", ["flats-4d", "spheres-16d", "network-16d"])
def test_potential_is_one_lipschitz_and_attains_w1(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.distance_sets.TRUTH_SAMPLES", 40_000)
    problem = next(select(name))
    x, y = problem.sample(4000, RNG(4))
    fx, fy = problem.potential(x), problem.potential(y)
    assert (np.abs(fx - fy) <= np.linalg.norm(x - y, axis=1) * (1 + 1e-9)).all()
    error = np.hypot(np.hypot(fx.std(), fy.std()) / 4000**0.5, problem.w1_error)
    assert abs(fx.mean() - fy.mean() - problem.w1) <= 5 * error


def test_nearest_points_lie_on_their_sets() -> None:
    y, rng = RNG(5).normal(size=(50, 9)), RNG(6)
    flat = random_flat(np.ones(9), 4, rng)
    on_flat = flat.nearest(y)
    np.testing.assert_allclose((on_flat - 1) @ flat.normals.T, 0, atol=1e-12)
    sphere = Sphere(np.ones(9), 2.0).nearest(y)
    np.testing.assert_allclose(np.linalg.norm(sphere - 1, axis=1), 2.0)
    sparse = SparseVectors(np.ones(9), 3).nearest(y)
    assert ((sparse != 1).sum(1) == 3).all()
    low = LowRankMatrices(np.zeros(9), (3, 3), 1).nearest(y).reshape(-1, 3, 3)
    assert (np.linalg.matrix_rank(low, tol=1e-9) == 1).all()


def test_offsets_choose_the_set() -> None:
    points = [Flat(np.full(2, at), np.eye(2)) for at in (0.0, 2.0)]
    near_first = DistanceToSets((points[0], points[1]), np.array([0.0, 9.0]))
    y = np.array([[1.9, 1.9]])
    np.testing.assert_allclose(near_first.height(y), np.hypot(1.9, 1.9))


@pytest.mark.parametrize("build", [network])
def test_networks_keep_slope_one(build: Callable[..., Problem]) -> None:
    problem = build("n", lambda n, rng: gaussian(8, n, rng), depth=3, group_size=4)
    potential = pair_of(problem).potential
    assert isinstance(potential, OrthonormalNetwork)
    gradient, longest = potential.rays(cube(8, 200, RNG(7)))
    np.testing.assert_allclose(np.linalg.norm(gradient, axis=1), 1.0)
    assert (longest >= 0).all()


def test_rows_go_no_further_than_their_ray() -> None:
    longest = np.linspace(0.0, 3.0, 100)
    gone = uniform_share(longest, RNG(8))
    assert ((gone >= 0) & (gone <= longest)).all()


def test_catalog_has_them_and_known_truth_leads_with_them() -> None:
    assert ray_problems().keys() <= catalog().keys()
    leads = SMALL.removeprefix("(").split("|")[:5]
    assert set(leads) <= ray_problems().keys()
