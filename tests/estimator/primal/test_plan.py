"""Plans: marginals met whatever came in, costs of the very rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kantor.estimator.primal.clouds import Cloud, cloud
from kantor.estimator.primal.plan import Plan, completed, corner_plan, cost, distances
from kantor.estimator.samples.scaling import Scaler


def marginals(plan: Plan, n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    rows = np.bincount(plan.rows, plan.mass, n)
    return rows, np.bincount(plan.columns, plan.mass, m)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 9), m=st.integers(1, 9))
def test_corner_plan_couples_all_mass_with_few_entries(
    seed: int, n: int, m: int
) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    plan = corner_plan(a, b)
    for found, wanted in zip(marginals(plan, n, m), (a, b), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-15)
    assert len(plan) <= n + m - 1


def test_corner_plan_of_equal_masses_is_a_matching() -> None:
    masses = np.full(1000, 1e-3)
    plan = corner_plan(masses, masses)
    assert (plan.rows == plan.columns).all()
    assert len(plan) == 1000


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 9), m=st.integers(1, 9))
def test_completing_meets_both_marginals(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    some = Plan(rng.integers(0, n, 6), rng.integers(0, m, 6), rng.random(6))
    plan = completed(some, a, b)
    assert (plan.mass >= 0.0).all()
    for found, wanted in zip(marginals(plan, n, m), (a, b), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-15)


def test_completing_leaves_a_coupling_alone() -> None:
    a = np.array([0.25, 0.75])
    plan = completed(Plan(np.arange(2), np.arange(2), a), a, a)
    np.testing.assert_array_equal(plan.mass, a)


def test_cost_sees_small_differences_far_from_the_origin() -> None:
    x = np.full((3, 4), 2.0**20)
    y = x + np.array([2.0**-20, 0.0, 0.0, 0.0])
    plan = Plan(np.arange(3), np.arange(3), np.full(3, 1 / 3))
    assert cost(plan, _plain(x), _plain(y)) == pytest.approx(2.0**-20, rel=1e-15)


def test_distances_do_not_depend_on_a_common_offset() -> None:
    x, y = np.random.default_rng(0).integers(0, 9, size=(2, 5, 3)).astype(float)
    np.testing.assert_array_equal(distances(x, y), distances(x + 2.0**30, y + 2.0**30))


def _plain(samples: np.ndarray) -> Cloud:
    return cloud(samples, Scaler(np.zeros(4), np.ones(4), 1.0))
