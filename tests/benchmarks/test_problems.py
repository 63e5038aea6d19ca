"""Problems with known W1: potentials attain it, POT agrees, names select."""

import numpy as np
import ot
import pytest

from benchmarks.problems import Problem, catalog, funnels, select

CLOSED = r"cones?-.*|(shift|scale|shells|mixture)-.*"


def built(pattern: str) -> list[Problem]:
    return list(select(pattern))


@pytest.mark.parametrize("problem", built(CLOSED), ids=lambda p: p.name)
def test_potential_attains_the_distance(problem: Problem) -> None:
    x, y = problem.sample(4000, np.random.default_rng(7))
    fx, fy = problem.potential(x), problem.potential(y)
    error = np.hypot(fx.std(), fy.std()) / np.sqrt(len(x))
    # 5 standard errors: one in a million fails by chance; cones have no spread at all.
    assert abs(fx.mean() - fy.mean() - problem.w1) <= 5 * error + 1e-12


@pytest.mark.parametrize("problem", built(CLOSED), ids=lambda p: p.name)
def test_potential_is_one_lipschitz(problem: Problem) -> None:
    x, y = problem.sample(500, np.random.default_rng(8))
    change = np.abs(problem.potential(x) - problem.potential(y))
    assert (change <= np.linalg.norm(x - y, axis=1) * (1 + 1e-12)).all()


def test_funnel_truth_is_primal_and_dual() -> None:
    problem = funnels("funnels", 4, 16, draws=4000)
    x, y = problem.sample(4000, np.random.default_rng(0))
    difference = problem.potential(x).mean() - problem.potential(y).mean()
    assert 0 < problem.w1_error < 0.02 * problem.w1
    assert abs(difference - problem.w1) < 0.05 * problem.w1


@pytest.mark.parametrize("family", ["shift", "scale", "shells", "mixture"])
def test_exact_transport_in_one_dimension_agrees(family: str) -> None:
    problem = built(f"{family}-1d")[0]
    x, y = problem.sample(20_000, np.random.default_rng(1))
    # Sampling error of W1 in 1-d at this size is about 0.01.
    assert np.isclose(ot.emd2_1d(x, y, metric="euclidean"), problem.w1, atol=0.04)


@pytest.mark.parametrize("name", ["cones-2d", "shift-2d", "scale-2d", "funnels-2d-4"])
def test_exact_transport_in_two_dimensions_agrees(name: str) -> None:
    problem = built(name)[0]
    x, y = problem.sample(1000, np.random.default_rng(1))
    exact = ot.emd2([], [], ot.dist(x, y, metric="euclidean"))
    # The plug-in value lies above W1 by up to 0.1 at this size.
    assert -0.03 < exact - problem.w1 < 0.15


def test_published_grid_is_complete() -> None:
    assert sum(name.startswith("funnels-") for name in catalog()) == 28


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="got 'gaussian'"):
        select("gaussian")
