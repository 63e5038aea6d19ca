"""Upper bounds on W1 between the given samples: the cost of a feasible coupling.

Any plan G >= 0 with marginals a and b gives sum_ij G_ij ||x_i - y_j|| >= W1 of the
empirical measures. Feasibility is enforced here, not assumed of a solver.
"""

import warnings

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MAX_COST_ENTRIES = 4_000_000
"""Largest n * m for the exact solver: about two seconds and 100 MB."""


def exact_upper_bound(x: Array, y: Array) -> tuple[float, str]:
    """Return W1 of the given samples x (n, d), y (m, d) by network simplex, and how.

    The solver's plan is made exactly feasible first, so the value is an upper bound
    even where the solver stopped early, which the returned sentence then says. Needs
    O(n m) memory; meant for n * m up to `MAX_COST_ENTRIES`.
    """
    import ot

    a, b = np.full(len(x), 1.0 / len(x)), np.full(len(y), 1.0 / len(y))
    cost = ot.dist(x, y, metric="euclidean")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an early stop is read from the log
        plan, log = ot.emd(a, b, cost, numItermax=2_000_000, log=True)
    value = float((feasible_plan(np.asarray(plan), a, b) * cost).sum())
    if log["warning"] is None:
        return value, "exact optimal transport between the given samples"
    return value, "a feasible coupling; the exact solver stopped early"


def feasible_plan(plan: Array, a: Array, b: Array) -> Array:
    """Round a non-negative matrix to the marginals a and b.

    Scale rows and columns down to at most their marginals, then spread what is missing
    as a rank-one term. Altschuler, Weed & Rigollet (2017), arXiv:1705.09634,
    algorithm 2.
    """
    rows = plan.sum(1)
    plan = plan * np.minimum(1.0, _ratio(a, rows))[:, None]
    columns = plan.sum(0)
    plan = plan * np.minimum(1.0, _ratio(b, columns))[None, :]
    missing_a = np.maximum(a - plan.sum(1), 0.0)
    missing_b = np.maximum(b - plan.sum(0), 0.0)
    total = missing_a.sum()
    if total == 0.0:
        return plan
    return np.asarray(plan + np.outer(missing_a, missing_b) / total)


def _ratio(wanted: Array, found: Array) -> Array:
    return np.divide(wanted, found, out=np.ones_like(wanted), where=found > 0.0)
