"""Lower the cost of a coupling by exact transport within blocks of its entries.

Any entries of a plan move some mass of some rows to some columns. Moving the same
masses between the same points at the least cost leaves both marginals as they are, and
never costs more. A sweep cuts all entries into blocks of neighbors and does so in each;
the next sweep cuts elsewhere, so that mass can cross the borders of the last one.
Neighbors are entries whose midpoints (x_i + y_j) / 2 are near: these have something to
exchange.

Equal masses at n = m stay whole, so that there are n entries. Others are shared out:
there are about n + m entries after the leaves, and up to half as many more a sweep.
"""

from collections.abc import Iterator

import numpy as np

from kantor.estimator.primal.bisection import along, spread_direction
from kantor.estimator.primal.clouds import Cloud, Indices, Shadow
from kantor.estimator.primal.exact import MAX_COST_ENTRIES, cheapest
from kantor.estimator.primal.plan import NEGLIGIBLE, Plan, distances, sums


def neighboring_entries(
    plan: Plan,
    shadow: tuple[Shadow, Shadow],
    block_entries: int,
    rng: np.random.Generator,
) -> Iterator[Indices]:
    """Cut the entries of a plan into blocks of at most `block_entries` neighbors."""
    pending = [np.arange(len(plan))]
    while pending:
        entries = pending.pop()
        if len(entries) <= block_entries:
            yield entries
            continue
        midpoints = shadow[0][plan.rows[entries]] + shadow[1][plan.columns[entries]]
        position = along(midpoints, spread_direction(midpoints, rng))
        # Off the middle at random: the borders of two sweeps shall not coincide.
        border = int(len(entries) * rng.uniform(0.35, 0.65))
        order = np.argpartition(position, border)
        pending += [entries[order[:border]], entries[order[border:]]]


def repaired(block: Plan, source: Cloud, target: Cloud) -> Plan:
    """Return the cheapest plan with the marginals of a block; the block if it is."""
    points, rows = np.unique(block.rows, return_inverse=True)
    partners, columns = np.unique(block.columns, return_inverse=True)
    if min(len(points), len(partners)) == 1:
        return block
    if len(points) * len(partners) > MAX_COST_ENTRIES:  # a leaf of very odd weights
        return block
    total = block.mass.sum()
    mass = block.mass / total
    costs = distances(source.rows(points), target.rows(partners))
    best, is_optimal = cheapest(sums(rows, mass), sums(columns, mass), costs)
    now = mass @ costs[rows, columns]
    if not is_optimal or best.mass @ costs[best.rows, best.columns] >= now:
        return block
    best = best[np.flatnonzero(best.mass > NEGLIGIBLE)]
    return Plan(points[best.rows], partners[best.columns], total * best.mass)
