"""Sparse transport plans: the corner rule, feasibility, and the cost."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.primal.clouds import CHUNK_ROWS, Array, Cloud, Indices

NEGLIGIBLE = 1e-13
"""Share of a block's mass below which an entry is rounding, and left out.

What is left out comes back when the plan is completed: see `completed`.
"""


@dataclass(frozen=True)
class Plan:
    """Mass moved from source rows to target rows, as parallel arrays (entries,)."""

    rows: Indices
    columns: Indices
    mass: Array

    def __len__(self) -> int:
        return len(self.mass)

    def __getitem__(self, entries: Indices | slice) -> "Plan":
        return Plan(self.rows[entries], self.columns[entries], self.mass[entries])


def joined(plans: Iterable[Plan]) -> Plan:
    """Return the entries of all plans as one."""
    parts = list(plans)
    return Plan(
        np.concatenate([plan.rows for plan in parts]),
        np.concatenate([plan.columns for plan in parts]),
        np.concatenate([plan.mass for plan in parts]),
    )


def corner_plan(a: Array, b: Array, negligible: float = 0.0) -> Plan:
    """Couple masses a (n,) and b (m,) in their order, by the north-west corner rule.

    At most n + m - 1 entries; those of a share of at most `negligible` are left out.
    The sums of a and b are the same up to rounding; what exceeds the smaller is not
    coupled.
    """
    ends_a, ends_b = np.cumsum(a), np.cumsum(b)
    total = min(ends_a[-1], ends_b[-1])
    ends = np.unique(np.concatenate([ends_a, ends_b, [0.0]]))
    ends = ends[ends <= total]
    mass = np.diff(ends)
    kept = mass > negligible * total
    starts = ends[:-1][kept]
    rows = np.searchsorted(ends_a, starts, side="right")
    columns = np.searchsorted(ends_b, starts, side="right")
    return Plan(rows, columns, mass[kept])


def completed(plan: Plan, a: Array, b: Array) -> Plan:
    """Return a plan whose marginals are a and b, near the given one.

    Entries of rows and columns that move too much are scaled down; what is missing then
    is coupled by the corner rule. Altschuler, Weed & Rigollet (2017), arXiv:1705.09634,
    algorithm 2, with a sparse last step.
    """
    mass = plan.mass * _shrinkage(plan.rows, plan.mass, a)
    mass = mass * _shrinkage(plan.columns, mass, b)
    missing_a = np.maximum(a - sums(plan.rows, mass, len(a)), 0.0)
    missing_b = np.maximum(b - sums(plan.columns, mass, len(b)), 0.0)
    kept = Plan(plan.rows, plan.columns, mass)
    return joined([kept, corner_plan(missing_a, missing_b)])


def sums(indices: Indices, mass: Array, count: int = 0) -> Array:
    """Return the mass (count,) at each index; as many as there are for count 0."""
    return np.asarray(np.bincount(indices, mass, count), dtype=np.float64)


def _shrinkage(indices: Indices, mass: Array, allowed: Array) -> Array:
    """Return the factor of every entry that brings sums down to what is allowed."""
    found = sums(indices, mass, len(allowed))
    factors = np.divide(allowed, found, out=np.ones_like(found), where=found > allowed)
    return np.asarray(factors[indices])


def cost(plan: Plan, source: Cloud, target: Cloud) -> float:
    """Return sum_k mass_k |x_k - y_k|, in float64 from differences of rows."""
    total = 0.0
    for start in range(0, len(plan), CHUNK_ROWS):
        part = plan[start : start + CHUNK_ROWS]
        difference = source.rows(part.rows) - target.rows(part.columns)
        total += float(part.mass @ np.linalg.norm(difference, axis=1))
    return total


def distances(x: Array, y: Array) -> NDArray[np.float64]:
    """Return |x_i - y_j| (n, m), to about 1e-8 of the spread of the points.

    By inner products of centered points: good for finding a plan, not for its cost.
    """
    center = 0.5 * (x.mean(0) + y.mean(0))
    x, y = x - center, y - center
    squared = (x**2).sum(1)[:, None] + (y**2).sum(1)[None, :] - 2.0 * (x @ y.T)
    return np.asarray(np.sqrt(np.maximum(squared, 0.0, out=squared), out=squared))
