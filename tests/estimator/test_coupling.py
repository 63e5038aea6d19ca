"""Feasible couplings: exact on known answers, feasible after rounding."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from estimator.coupling import exact_upper_bound, feasible_plan


def test_equals_the_one_dimensional_distance() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=80), rng.exponential(size=53)
    value, how = exact_upper_bound(x[:, None], y[:, None])
    assert np.isclose(value, wasserstein_distance(x, y), rtol=1e-12)
    assert "exact" in how


def test_a_translation_costs_its_length() -> None:
    x = np.random.default_rng(1).normal(size=(60, 5))
    value, _ = exact_upper_bound(x, x + np.array([3.0, 4.0, 0.0, 0.0, 0.0]))
    assert np.isclose(value, 5.0, rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_rounding_meets_both_marginals(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.dirichlet(np.ones(7)), rng.dirichlet(np.ones(4))
    plan = feasible_plan(rng.random((7, 4)) * rng.integers(0, 2, (7, 4)), a, b)
    assert (plan >= 0.0).all()
    np.testing.assert_allclose(plan.sum(1), a, atol=1e-15)
    np.testing.assert_allclose(plan.sum(0), b, atol=1e-15)
