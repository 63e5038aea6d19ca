"""The front door of the primal side: an upper bound on W1 of two clouds at any size."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from kantor.estimator.errors import stop_where_asked
from kantor.estimator.primal.bisection import bisected
from kantor.estimator.primal.clouds import Cloud, shadows
from kantor.estimator.primal.exact import MAX_COST_ENTRIES, exact_upper_bound
from kantor.estimator.primal.line import distance_on_the_line
from kantor.estimator.primal.plan import Plan, completed, cost, joined
from kantor.estimator.primal.repairing import neighboring_entries, repaired
from kantor.estimator.streams import Stream

BLOCK_ENTRIES = 512
"""Most entries of a block; half as many in more sweeps come out alike in like time."""

MOST_SWEEPS, FEWEST_SWEEPS = 10, 3
"""Sweeps over all entries, after the leaves: each gains less than the one before."""

SWEPT_ENTRIES = 300_000
"""Entries of all sweeps together beyond which no more than the fewest are made.

They take about fifteen seconds.
"""

COUPLED = (
    "a feasible coupling by bisection and local exact transport; "
    "at least W1 between the given samples, not exact"
)


@dataclass(frozen=True)
class UpperBound:
    """An upper bound on W1 between two clouds, in their units, and how it was found."""

    value: float
    how: str


def upper_bound(
    source: Cloud,
    target: Cloud,
    *,
    seed: int = 0,
    sweeps: int = MOST_SWEEPS,
    should_stop: Callable[[], bool] = lambda: False,
) -> UpperBound:
    """Return W1 of two clouds where that is affordable, or the cost of a coupling.

    Exact on the line at any size, and for n * m up to `MAX_COST_ENTRIES`; else see
    `coupled`.

    Raises:
        EstimationStopped: `should_stop` answered true; without a checkpoint.
    """
    if source.dim == 1:
        return UpperBound(distance_on_the_line(source, target), "exact, by sorting")
    if len(source) * len(target) <= MAX_COST_ENTRIES:
        return UpperBound(*exact_upper_bound(source, target))
    plan = coupled(source, target, seed=seed, sweeps=sweeps, should_stop=should_stop)
    return UpperBound(cost(plan, source, target), COUPLED)


def coupled(
    source: Cloud,
    target: Cloud,
    *,
    seed: int = 0,
    sweeps: int = MOST_SWEEPS,
    block_entries: int = BLOCK_ENTRIES,
    should_stop: Callable[[], bool] = lambda: False,
) -> Plan:
    """Return a coupling in O((n + m) log(n + m)) time and O(n + m) memory.

    Both clouds are bisected jointly; the leaves, and then blocks of neighboring entries
    in up to `sweeps` sweeps, are coupled at the least cost. Deterministic for a seed.
    Not guaranteed: how near the cost is to W1.

    Raises:
        EstimationStopped: `should_stop`, asked before every block, answered true.
    """
    rng = Stream.COUPLING.generator(seed)
    shadow = shadows(source, target, rng)

    def solved(blocks: Iterable[Plan]) -> Iterator[Plan]:
        for block in blocks:
            stop_where_asked(should_stop)
            yield repaired(block, source, target)

    plan = joined(solved(bisected(source, target, shadow, 2 * block_entries, rng)))
    swept = 0
    for sweep in range(sweeps):
        swept += len(plan)
        if sweep >= FEWEST_SWEEPS and swept > SWEPT_ENTRIES:
            break
        blocks = neighboring_entries(plan, shadow, block_entries, rng)
        plan = joined(solved(plan[entries] for entries in blocks))
    return completed(plan, source.weights, target.weights)
