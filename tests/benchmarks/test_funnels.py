"""Funnel pairs: primal and dual agree, points stay in the cube, u is 1-Lipschitz."""

import numpy as np
import ot
import pytest

from benchmarks.funnels import HALF_SIDE, random_funnels

SHAPES = [(2, 4), (2, 64), (8, 16), (128, 64)]


@pytest.mark.parametrize(("dim", "count"), SHAPES)
def test_every_pair_moves_as_far_as_it_descends(dim: int, count: int) -> None:
    pair = random_funnels(dim, count, seed=3)
    x, y = pair.pairs(2000, np.random.default_rng(0))
    lengths = np.linalg.norm(x - y, axis=1)
    # Equality up to rounding is what makes the coupling and -u optimal together.
    assert np.abs(lengths - (pair.height(y) - pair.height(x))).max() < 1e-10


@pytest.mark.parametrize(("dim", "count"), SHAPES)
def test_points_stay_in_the_cube_and_on_their_ray(dim: int, count: int) -> None:
    pair = random_funnels(dim, count, seed=3)
    x, y = pair.pairs(2000, np.random.default_rng(0))
    assert np.abs(x).max() <= HALF_SIDE
    assert (pair.height(x) <= pair.height(y) + 1e-12).all()


def test_moving_keeps_the_order_on_a_ray() -> None:
    pair = random_funnels(2, 16, seed=0)
    y = np.random.default_rng(0).uniform(-1, 1, size=(200, 2))
    nearest = (np.linalg.norm(y[:, None] - pair.centers, axis=2) + pair.offsets).argmin(
        1
    )
    low = pair.centers[nearest]
    nearer = low + 0.7 * (y - low)  # cells are star-shaped: it stays in its cone
    lengths = [
        np.linalg.norm(pair.move(points) - low, axis=1) for points in (nearer, y)
    ]
    assert (lengths[0] < lengths[1]).all()


def test_height_is_one_lipschitz() -> None:
    pair = random_funnels(4, 16, seed=0)
    x, y = np.random.default_rng(0).normal(size=(2, 500, 4))
    slopes = np.abs(pair.height(x) - pair.height(y)) / np.linalg.norm(x - y, axis=1)
    assert slopes.max() <= 1 + 1e-12


def test_coupling_of_pairs_is_optimal_for_the_samples() -> None:
    x, y = random_funnels(2, 4, seed=1).pairs(400, np.random.default_rng(0))
    exact = ot.emd2([], [], ot.dist(x, y, metric="euclidean"))
    assert np.isclose(exact, np.linalg.norm(x - y, axis=1).mean(), rtol=1e-9)


def test_samples_are_independent_and_seeded() -> None:
    pair = random_funnels(2, 4, seed=1)
    x, y = pair.sample(100, np.random.default_rng(0))
    again = pair.sample(100, np.random.default_rng(0))
    assert (x == again[0]).all()
    assert not np.allclose(
        pair.height(y) - pair.height(x), np.linalg.norm(x - y, axis=1)
    )
