"""The exact witness on a line, and what the family finds with 2,000 samples a side."""

import numpy as np
import ot
import pytest
import torch
from numpy.typing import NDArray

from benchmarks.problems import mixture, scale, shift
from kantor.estimator.critics.profile import (
    ProfileFamily,
    ProfilePotential,
    best_profiles,
    line_witness,
)
from kantor.models.critic import lipschitz_bound
from kantor.models.vocabulary import Norm

Array = NDArray[np.float64]
Sides = tuple[Array, Array]


class Rows:
    """Fit samples of one fold."""

    def __init__(self, x: Array, y: Array) -> None:
        self.sides = x, y

    def heads(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = (torch.from_numpy(side[None, :count]) for side in self.sides)
        return x, y


def drawn(problem: object, n: int, seed: int) -> Sides:
    return problem.sample(n, np.random.default_rng(seed))  # type: ignore[attr-defined, no-any-return]


def best(x: Array, y: Array, norm: Norm = "l2") -> ProfilePotential:
    return max(
        best_profiles(x, y, norm), key=lambda found: found(x).mean() - found(y).mean()
    )


def difference(potential: ProfilePotential, x: Array, y: Array) -> float:
    return float(potential(x).mean() - potential(y).mean())


@pytest.mark.parametrize(
    "problem", [shift("", 8), scale("", 8), mixture("", 8)], ids=lambda p: f"{p.w1:.3f}"
)
def test_finds_known_answers_from_two_thousand_samples(problem: object) -> None:
    found = best(*drawn(problem, 2000, 0))
    # Fresh samples, many: the critic's own expectation, to about 0.005.
    share = difference(found, *drawn(problem, 200_000, 1)) / problem.w1  # type: ignore[attr-defined]
    assert 0.97 <= share <= 1.01


def test_feature_fits_the_problem() -> None:
    assert best(*drawn(scale("", 8), 2000, 0)).radial
    assert not best(*drawn(mixture("", 8), 2000, 0)).radial


def test_linf_looks_along_the_axis_that_moved() -> None:
    x, y = np.random.default_rng(2).normal(size=(2, 2000, 6))
    y[:, 3] += 1.0
    found = best(x, y, "linf")
    np.testing.assert_allclose(np.abs(found.point), np.eye(6)[3])
    assert difference(found, x, y) == pytest.approx(1.0, abs=0.05)


def test_linf_radius_is_a_cube() -> None:
    y = np.random.default_rng(3).uniform(-1.0, 1.0, size=(2000, 4))
    found = best(2.0 * y, y, "linf")
    assert found.radial
    assert difference(found, 2.0 * y, y) == pytest.approx(
        np.abs(y).max(1).mean(), rel=0.03
    )


@pytest.mark.parametrize("moved", [0.5, -2.0])
def test_line_witness_attains_the_distance_on_the_line(moved: float) -> None:
    u, v = np.random.default_rng(4).normal(size=(2, 3000))
    v = 1.5 * v + moved
    line = line_witness(u, v)
    exact = float(ot.emd2_1d(u, v, metric="euclidean"))
    # Quantiles as knots, and slopes below the noise left flat, cost a few percent.
    assert 0.97 * exact <= line(u).mean() - line(v).mean() <= exact * (1 + 1e-9)


def test_line_witness_stays_flat_where_there_is_noise_alone() -> None:
    u, v = np.random.default_rng(5).normal(size=(2, 3000))
    line = line_witness(u, v)
    assert np.abs(line.slope(np.linspace(-3.0, 3.0, 99))).mean() < 0.95


def test_line_witness_of_equal_points_is_flat() -> None:
    line = line_witness(np.full(10, 3.0), np.full(12, 3.0))
    np.testing.assert_array_equal(line(np.linspace(0.0, 9.0, 10)), np.zeros(10))


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
def test_ties_and_far_samples_keep_slope_one(size: float) -> None:
    rng = np.random.default_rng(6)
    x, y = size * rng.integers(4, size=(2, 500, 3)).astype(float)
    x[0] = 1e3 * size
    for critic, *_ in ProfileFamily().fitted(Rows(x, y), norm="l2"):
        assert float(lipschitz_bound(critic)[0]) == pytest.approx(1.0, abs=1e-6)
