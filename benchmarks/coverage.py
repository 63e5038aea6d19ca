"""How often bounds fail: `python -m benchmarks.coverage [--count 200]`.

Small seeded problems, trained briefly. A lower bound at 95 % may exceed W1 in at most
5 % of them. As a critic far from the best one hides bad statistics, a sharper column
counts how often a bound exceeds what it bounds directly: the expected difference of the
very critic over its certificate, by Monte Carlo on fresh samples. Last, on P = Q at
most 5 % of the bounds may be above 0, and at most 5 % of the p-values below 0.05.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from benchmarks.pictures import new_axes, save
from benchmarks.problems import Problem, select
from benchmarks.tables import machine, print_table
from kantor.estimator import Estimate, EstimateConfig, estimate_w1
from kantor.estimator.witness.document import score

SMALL = r"(shift|scale|shells|mixture)-(1|2|8)d|funnels-(2|4)d-4"
METHODS = ("betting", "bernstein", "student")
LEVEL = 0.05
FRESH = 20_000
"""Samples a side behind the expected difference of a critic."""


@dataclass(frozen=True)
class Trial:
    """Lower bounds and p-value of one estimate, and what bounds must not exceed."""

    bounds: dict[str, float]
    truth: float
    attained: float
    p_value: float


def trial(problem: Problem, n: int, config: EstimateConfig, *, null: bool) -> Trial:
    """Estimate one problem from n samples a side; `null` puts Q on both sides."""

    def draw(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x, y = problem.sample(count, rng)
        return (problem.sample(count, rng)[1], y) if null else (x, y)

    x, y = draw(n, np.random.default_rng([config.seed, n, null]))
    found = estimate_w1(x, y, config)
    truth = 0.0 if null else problem.w1
    fresh = draw(FRESH, np.random.default_rng([config.seed, FRESH, null]))
    attained = expected_difference(found, *fresh)
    return Trial(found.lower_bounds, truth, attained, found.p_value)


def expected_difference(found: Estimate, x: np.ndarray, y: np.ndarray) -> float:
    """Return the mean difference of the estimate's critic on fresh samples."""
    return float(score(found.critic, x).mean() - score(found.critic, y).mean())


def trials(arguments: argparse.Namespace, *, null: bool) -> list[Trial]:
    """Go through the problems in turn, a new seed each time."""
    problems = list(select(arguments.problems))
    result = []
    for seed in range(arguments.count):
        config = EstimateConfig(
            effort="quick",
            width=arguments.width,
            steps=arguments.steps,
            seed=seed,
            sample_bounds=False,
        )
        problem = problems[seed % len(problems)]
        result.append(trial(problem, arguments.n, config, null=null))
    return result


def rate(misses: Sequence[bool]) -> str:
    """Describe a share of misses with its two-sided 95 % interval (Clopper-Pearson)."""
    count, n = sum(misses), len(misses)
    interval = binomtest(count, n).proportion_ci(0.95)
    share, low, high = (100 * v for v in (count / n, interval.low, interval.high))
    return f"{count}/{n} = {share:.1f} % ({low:.1f} to {high:.1f})"


def misses(method: str, known: list[Trial], same: list[Trial]) -> list[list[bool]]:
    """Return the misses of a method: above W1, above its critic's value, on P = Q."""
    return [
        [t.bounds[method] > t.truth for t in known],
        [t.bounds[method] > t.attained for t in known],
        [t.bounds[method] > 0.0 for t in same],
    ]


def draw_rates(found: dict[str, list[list[bool]]]) -> None:
    """Draw the shares of misses as bars beside the promised level."""
    axes = new_axes()
    labels = ["above W1", "above the critic's own value", "above 0 on P = Q"]
    for place, (method, columns) in enumerate(found.items()):
        where = np.arange(len(columns)) + 0.25 * (place - 1)
        axes.bar(where, [100 * np.mean(c) for c in columns], 0.25, label=method)
    axes.axhline(100 * LEVEL, color="black", lw=0.8)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_ylabel("lower bounds at 95 % that miss, in %")
    axes.legend()
    save(axes, "coverage")


def main() -> None:
    """Print the table and draw the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", default=SMALL, help="regular expression of names")
    parser.add_argument("--count", type=int, default=28, help="estimates of each kind")
    parser.add_argument("--n", type=int, default=300, help="samples a side")
    parser.add_argument("--width", type=int, default=32, help="of the critics")
    parser.add_argument("--steps", type=int, default=50, help="of the training")
    arguments = parser.parse_args()
    known, same = trials(arguments, null=False), trials(arguments, null=True)
    found = {method: misses(method, known, same) for method in METHODS}
    print(f"{machine()}; {vars(arguments)}\n")
    header = ["bound", "above W1", "above its critic's value", "above 0 on P = Q"]
    rows = [[method, *map(rate, columns)] for method, columns in found.items()]
    print_table(header, rows)
    print(f"\np < {LEVEL} on P = Q:", rate([t.p_value < LEVEL for t in same]))
    draw_rates(found)


if __name__ == "__main__":
    main()
