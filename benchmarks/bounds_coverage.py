"""How often bounds fail: `python -m benchmarks.bounds_coverage [--count 2000]`.

Many trials of the statistics alone; `benchmarks.coverage` trains real critics. Stand-in
critics on small problems of known W1, each design and method on the same
draws. A bound at 95 % may exceed W1 in at most 5 % of the problems and, more sharply,
0 in at most 5 % of problems with P = Q, where every critic's own difference is 0.
Blocks are prequential: each is tested on the critic of all rows before it.
"""

import argparse

import numpy as np
from scipy.stats import lognorm

from benchmarks.coverage import rate
from benchmarks.stand_ins import Pair, divisions, judged
from benchmarks.tables import machine, print_table
from kantor.estimator.evidence.bounds import (
    BOUND_METHODS,
    Order,
    TestValues,
    student_bound,
)

NAIVE = "student, variances added"
"""What crossed parts must not do; shown for comparison."""

DESIGNS: tuple[tuple[str, Order], ...] = (
    ("one split", "sequential"),
    ("3 blocks", "sequential"),
    ("6 blocks", "sequential"),
    ("2 folds", "crossed"),
    ("5 folds", "crossed"),
)


def draw(seed: int, n: int, *, null: bool) -> tuple[Pair, float]:
    """Draw a problem: Gaussians of dimension 1, 2 or 8, or lognormal features."""
    rng = np.random.default_rng([seed, n, null])
    dim = (1, 2, 8)[seed % 3]
    heavy = seed % 6 >= 3
    x, y = rng.normal(size=(2, n, dim))
    if heavy:
        x, y = np.exp(x), np.exp(y)
    shift = 0.0 if null else 0.3 * lognorm.std(1.0) if heavy else 0.3
    return (x + shift / np.sqrt(dim), y), shift


def parts_of(design: str, pair: Pair, seed: int) -> list[TestValues]:
    """Return the held-out values of a design."""
    rng, parts = np.random.default_rng([seed, 1]), divisions(design, pair)
    pairs = sum(part.pairs for part in parts) if "blocks" in design else None
    return [judged(part, rng, test_pairs=pairs).test_values() for part in parts]


def lower_bounds(parts: list[TestValues], order: Order) -> dict[str, float]:
    """Return every method's bound at 95 %."""
    found = {
        name: bound(parts, confidence=0.95, order=order)
        for name, bound in BOUND_METHODS.items()
    }
    return found | {NAIVE: student_bound(parts, confidence=0.95)}


def counted(
    design: str, order: Order, *, count: int, n: int
) -> dict[str, list[list[bool]]]:
    """Return each method's misses: above W1, and above 0 on P = Q."""
    found: dict[str, list[list[bool]]] = {}
    for seed in range(count):
        for null in (False, True):
            pair, truth = draw(seed, n, null=null)
            parts = parts_of(design, pair, seed)
            for name, lower in lower_bounds(parts, order).items():
                found.setdefault(name, [[], []])[null].append(lower > truth)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="problems of each kind")
    parser.add_argument("--n", type=int, default=100, help="samples a side")
    given = parser.parse_args()
    rows = [
        [design, name, *map(rate, misses)]
        for design, order in DESIGNS
        for name, misses in counted(design, order, count=given.count, n=given.n).items()
    ]
    print(f"{machine()}; {vars(given)}\n")
    print_table(["design", "bound", "above W1", "above 0 on P = Q"], rows)


if __name__ == "__main__":
    main()
