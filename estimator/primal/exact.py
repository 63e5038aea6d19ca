"""W1 between two small clouds, as the cost of the feasible plan of an exact solver.

Equal masses of as many points are an assignment, which is found several times faster
than by network simplex where good potentials are known; all else is for the simplex.
Feasibility is enforced here, not assumed of a solver.
"""

import contextlib
import threading
import warnings

import numpy as np

from kantor.estimator.primal.clouds import CHUNK_ROWS, Array, Cloud
from kantor.estimator.primal.plan import Plan, completed, cost, distances
from kantor.estimator.primal.potentials import reduced

MAX_COST_ENTRIES = 4_000_000
"""Largest n * m for the exact solver: about two seconds and 100 MB."""

PIVOTS = 2_000_000
"""Steps after which the simplex gives up."""

FEW_FEATURES = 16
"""Features below which distances by differences are as fast as by inner products."""

CANCELS = 1e-3
"""Distances up to this share of the farthest point's are not left to inner products.

The others have nine digits: squares are right to about 1e-15 of the farthest one.
"""

EQUAL = 1e-9
"""Relative difference up to which masses are equal: far above rounding."""


def exact_upper_bound(source: Cloud, target: Cloud) -> tuple[float, str]:
    """Return W1 of two clouds, and how it was found.

    The solver's plan is made exactly feasible first, so the value is an upper bound
    even where the solver stopped early, which the returned sentence then says. Needs
    O(n m) memory; meant for n * m up to `MAX_COST_ENTRIES`.
    """
    a, b = source.weights, target.weights
    found, is_optimal = cheapest(a, b, cost_matrix(source, target))
    plan = completed(found, a, b)
    value = cost(plan, source, target)
    if is_optimal:
        return value, "exact optimal transport between the given samples"
    return value, "a feasible coupling; the exact solver stopped early"


def cheapest(a: Array, b: Array, costs: Array) -> tuple[Plan, bool]:
    """Return a plan between masses of nearly equal sums, and whether it is best.

    Where the solver stopped early, the plan need not meet its marginals.
    """
    if len(a) == len(b) and np.allclose([a, b], a[0], rtol=EQUAL, atol=0.0):
        start = reduced(costs)
        if start.is_nearly_matched:
            return assignment(a, start.costs), True
    return network_simplex(a, b, costs)


def assignment(masses: Array, costs: Array) -> Plan:
    """Return the best plan between n equal masses each, by shortest augmenting paths.

    A vertex of the plans between equal masses moves each whole (Birkhoff), so one of
    the best is a permutation. SciPy's solver is that of Crouse (2016),
    doi:10.1109/TAES.2016.140952.
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(costs)
    return Plan(rows, columns, masses)


def network_simplex(a: Array, b: Array, costs: Array) -> tuple[Plan, bool]:
    """Return what `cheapest` does, for any masses.

    Where no cost is finite, nothing is moved: POT ends the process then (its #869).
    """
    import ot

    if not np.isfinite(costs).any():
        return Plan(np.zeros(0, int), np.zeros(0, int), np.zeros(0)), False
    b = b * (a.sum() / b.sum())
    with _QUIET:  # an early stop is read from the log
        dense, log = ot.emd(a, b, costs, numItermax=PIVOTS, log=True)
    rows, columns = np.nonzero(dense)
    return Plan(rows, columns, dense[rows, columns]), log["warning"] is None


def cost_matrix(source: Cloud, target: Cloud) -> Array:
    """Return all distances (n, m) without a copy of all rows of large clouds."""
    if max(len(source), len(target)) <= CHUNK_ROWS:
        return _lengths(source.rows(slice(None)), target.rows(slice(None)))
    costs = np.empty((len(source), len(target)))
    for top in range(0, len(source), CHUNK_ROWS):
        x = source.rows(slice(top, top + CHUNK_ROWS))
        for left in range(0, len(target), CHUNK_ROWS):
            y = target.rows(slice(left, left + CHUNK_ROWS))
            costs[top : top + len(x), left : left + len(y)] = _lengths(x, y)
    return costs


def _lengths(x: Array, y: Array) -> Array:
    """Return |x_i - y_j| (n, m), to nine digits at least.

    By inner products where there are many features; but between points that are near
    each other, beside the farthest, these would cancel, and differences are taken.
    Where that are many, as beside one point that is very far away, they all are.
    """
    from scipy.spatial.distance import cdist

    if x.shape[1] < FEW_FEATURES:
        return np.asarray(cdist(x, y))
    with np.errstate(over="ignore", invalid="ignore"):
        found = distances(x, y)
        center = 0.5 * (x.mean(0) + y.mean(0))
        reach = max(np.linalg.norm(side - center, axis=1).max() for side in (x, y))
        near = ~(found > CANCELS * reach)  # also what is no number
    rows, columns = np.nonzero(near)
    if len(rows) > len(x) + len(y):
        return np.asarray(cdist(x, y))
    found[rows, columns] = np.linalg.norm(x[rows] - y[columns], axis=1)
    return found


class _Quiet:
    """Keeps warnings from being shown while any thread is inside.

    Two threads, each with a `catch_warnings` of its own, could leave the filters of one
    in place for ever.
    """

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._inside = 0
        self._filters = contextlib.ExitStack()

    def __enter__(self) -> None:
        with self._changing:
            if self._inside == 0:
                self._filters.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._changing:
            self._inside -= 1
            if self._inside == 0:
                self._filters.close()


_QUIET = _Quiet()
