"""How far below W1 the bound lies: `python -m benchmarks.bounds_gap [--n 2000]`.

What testifies and what critics may see trade against each other: one split, folds
(crossed), or successive blocks (prequential: each is tested on the critic of all rows
before it, and one capital runs through all). Stand-in critics, the better the more rows
they were fitted to, on problems where one of them is near the best; or, with
`--trained`, those of `quick`, one training for each part.

The gap is W1 - bound as a share of W1. *Critics* is the part of it that they lose to
an optimal potential on the same fresh samples, *width* the rest.
"""

import argparse
import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.problems import Problem, select
from benchmarks.stand_ins import (
    Division,
    Pair,
    divisions,
    judged,
    with_profiles,
)
from benchmarks.tables import machine, print_table, tell
from benchmarks.trained_parts import Part, trained_part
from kantor.estimator.evidence.bounds import Order, betting_bound
from kantor.estimator.samples.split import FEW, FEW_SAMPLES, MANY

NEAR = r"(shift|scale|mixture|shells)-(2|8)d"
FRESH = 10_000
"""Samples a side behind what critics lose."""

BLOCKS = ((4, 0.2), (8, 0.2), (3, 0.4), (6, 0.4), (3, 0.55))
"""Numbers of blocks, and the share of the rows before the first."""


def divided(design: str, pair: Pair) -> tuple[list[Division], Order]:
    """Return the parts of a design, and how they depend on each other.

    One split sees what the estimator's does.
    """
    seen = sum(FEW if len(pair[0]) <= FEW_SAMPLES else MANY)
    order: Order = "crossed" if design.endswith("folds") else "sequential"
    return divisions(design, pair, seen=seen), order


DESIGNS = [
    "one split",
    *(f"{count} blocks after {100 * first:.0f} %" for count, first in BLOCKS),
    "2 folds",
]


def stand_in(division: Division, fresh: Pair, seed: int, *, test_pairs: int) -> Part:
    """Return the part of a division with a stand-in critic."""
    rng = np.random.default_rng([seed, 1])
    found = judged(division, rng, fitted=with_profiles, test_pairs=test_pairs)
    x, y = found.values(fresh)
    return Part(found.test_values(), float(x.mean() - y.mean()))


@dataclass(frozen=True)
class Gap:
    """Shares of W1: what the bound lacks, what critics do; and processor seconds."""

    gap: float
    critics: float
    processor_s: float


def gap(
    problem: Problem, pair: Pair, fresh: Pair, design: str, seed: int, *, trained: bool
) -> Gap:
    """Bound one problem from one pair of samples."""
    start = time.process_time()
    found, order = divided(design, pair)
    each = found[0].pairs
    test_pairs = sum(d.pairs for d in found) if order == "sequential" else each
    part_of = partial(trained_part if trained else stand_in, test_pairs=test_pairs)
    parts = [part_of(division, fresh, seed) for division in found]
    values = [part.values for part in parts]
    bound = betting_bound(values, confidence=0.95, order=order)
    shares = [v.pairs / sum(v.pairs for v in values) for v in values]
    attained = float(np.dot(shares, [part.attained for part in parts]))
    seconds = time.process_time() - start
    best = problem.potential(fresh[0]).mean() - problem.potential(fresh[1]).mean()
    lost = (best - attained) / problem.w1
    return Gap(1.0 - bound / problem.w1, float(lost), seconds)


def gaps(problem: Problem, given: argparse.Namespace) -> dict[str, list[Gap]]:
    """Bound a problem from several draws by every design, the same draws for all."""
    fresh = problem.sample(FRESH, np.random.default_rng([1, FRESH]))
    found: dict[str, list[Gap]] = {design: [] for design in given.designs}
    for seed in range(given.draws):
        pair = problem.sample(given.n, np.random.default_rng([seed, given.n]))
        for design, several in found.items():
            several.append(
                gap(problem, pair, fresh, design, seed, trained=given.trained)
            )
    for design, several in found.items():
        tell(f"{problem.name}, {design}:", *row(several))
    return found


def row(found: list[Gap]) -> list[str]:
    """Return the cells of a design, all of them means."""
    lost = 100 * float(np.mean([g.gap for g in found]))
    by_critics = 100 * float(np.mean([g.critics for g in found]))
    seconds = np.mean([g.processor_s for g in found])
    shares = [f"{v:.1f} %" for v in (lost, by_critics, lost - by_critics)]
    return [*shares, f"{seconds:.2f}"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", default=NEAR, help="regular expression of names")
    parser.add_argument("--n", type=int, default=2_000, help="samples a side")
    parser.add_argument("--draws", type=int, default=10, help="of each problem")
    parser.add_argument("--designs", nargs="+", default=DESIGNS)
    parser.add_argument("--trained", action="store_true", help="train as `quick` does")
    given = parser.parse_args()
    found: dict[str, list[Gap]] = {}
    for problem in select(given.problems):
        for design, several in gaps(problem, given).items():
            found.setdefault(design, []).extend(several)
    print(f"{machine()}; {vars(given)}\n")
    header = ["design", "gap", "critics", "width", "processor s"]
    print_table(header, [[design, *row(each)] for design, each in found.items()])


if __name__ == "__main__":
    main()
