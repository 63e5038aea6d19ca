"""Reduced costs: the same problem, nearer to its answer, or known not to be."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from kantor.estimator.primal.exact import assignment, cheapest, network_simplex
from kantor.estimator.primal.plan import Plan, sums
from kantor.estimator.primal.potentials import reduced

N = 200
MASSES = np.full(N, 1.0 / N)


def costs_of(kind: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, N, 8))
    match kind:
        case "uneven":  # half of the mass has to cross, and rounds do not settle
            x[: N // 2] += 100.0
        case "nearly even":  # as clusters of one size are, but for chance
            x[: N // 2, 0] += 3.0
            y[: N // 2 - 4, 0] += 3.0
        case "grid":  # many equal costs
            x, y = np.round(x[:, :2]), np.round(y[:, :2])
        case "far":
            x[0] = 1e12
        case "one place":
            x[:], y[:] = 0.0, 1.0
        case "same":
            y = x[::-1]
    return np.asarray(cdist(x, y))


def spent(plan: Plan, costs: np.ndarray) -> float:
    return float(plan.mass @ costs[plan.rows, plan.columns])


KINDS = ["plain", "uneven", "nearly even", "grid", "far", "one place", "same"]


@pytest.mark.parametrize("kind", KINDS)
def test_reduced_costs_are_costs_of_the_same_problem(kind: str) -> None:
    costs = costs_of(kind)
    left = reduced(costs).costs
    assert left.min() >= 0.0
    # Less potentials: C_ij - C_il - C_kj + C_kl is what it was, to rounding.
    changed = costs - left
    mixed = changed - changed[:1] - changed[:, :1] + changed[0, 0]
    np.testing.assert_allclose(mixed, 0.0, atol=1e-12 * costs.max())


@pytest.mark.parametrize("kind", KINDS)
def test_every_way_costs_the_same(kind: str) -> None:
    costs = costs_of(kind)
    simplex, is_optimal = network_simplex(MASSES, MASSES, costs)
    ways = [
        assignment(MASSES, reduced(costs).costs),
        cheapest(MASSES, MASSES, costs)[0],
    ]
    assert is_optimal
    for plan in ways:
        np.testing.assert_allclose(sums(plan.columns, plan.mass), MASSES, rtol=1e-9)
        np.testing.assert_allclose(sums(plan.rows, plan.mass), MASSES, rtol=1e-9)
        assert spent(plan, costs) == pytest.approx(spent(simplex, costs), rel=1e-9)


def test_potentials_are_near_the_best() -> None:
    costs = costs_of("plain")
    best = costs[linear_sum_assignment(costs)].mean()
    # What reduction took away is the dual value, which is at most the best cost.
    taken = (costs - reduced(costs).costs)[np.arange(N), np.arange(N)].mean()
    assert 0.97 * best < taken <= best * (1 + 1e-12)


def test_uneven_clusters_are_left_to_the_simplex() -> None:
    assert reduced(costs_of("plain")).is_nearly_matched
    assert not reduced(costs_of("uneven")).is_nearly_matched


def test_nearly_even_clusters_are_matched() -> None:
    assert reduced(costs_of("nearly even")).is_nearly_matched


def test_unequal_masses_are_left_to_the_simplex() -> None:
    a = np.linspace(1.0, 2.0, N)
    plan, is_optimal = cheapest(a / a.sum(), MASSES, costs_of("plain"))
    assert is_optimal
    np.testing.assert_allclose(sums(plan.rows, plan.mass), a / a.sum(), rtol=1e-9)


@pytest.mark.parametrize("cost", [np.inf, np.nan])
def test_no_finite_cost_ends_no_process(cost: float) -> None:
    a, b = np.full(4, 0.25), np.full(3, 1 / 3)
    plan, is_optimal = network_simplex(a, b, np.full((4, 3), cost))
    assert not is_optimal
    assert len(plan) == 0
