"""Estimate against truth: `python -m benchmarks.known_truth [--problems REGEX]`.

For each problem of known W1 the table gives the held-out estimate and the 95 % lower
bound as shares of the truth. An estimate above 1 is sampling error of the test samples
(its standard error stands beside it); a lower bound above 1 is a miss, 1 in 20 at most.
Below stands what ranks the problems by the share of the truth that a user could know.
`--self-check` adds what share of a planted difference each estimation found.
"""

import argparse
from dataclasses import dataclass
from typing import get_args

import numpy as np
from scipy.stats import spearmanr

from benchmarks.pictures import new_axes, save
from benchmarks.problems import Problem, catalog, select
from benchmarks.tables import machine, print_table, tell
from kantor.estimator import Estimate, EstimateConfig, estimate_w1
from kantor.estimator.config import Effort, Family

SMALL = (
    "(flats-16d|planes-8d|network-16d|sparse-32d|low-rank-digits|"
    "cone.*|shift-64d|scale-16d|shells-8d|mixture-8d|funnels-(4|16|64)d-(4|64))"
)
"""Led by those whose potential is not made of point cones."""


@dataclass(frozen=True)
class Outcome:
    """An estimate beside the problem it was made for."""

    problem: Problem
    estimate: Estimate

    @property
    def ratio(self) -> float:
        """Estimate as a share of the truth."""
        return self.estimate.estimate / self.problem.w1

    @property
    def error(self) -> float:
        """Standard error of `ratio`."""
        return self.estimate.standard_error / self.problem.w1

    @property
    def lower(self) -> float:
        """Lower bound as a share of the truth."""
        return self.estimate.lower_bound / self.problem.w1

    def row(self) -> list[str]:
        """Return the cells of the table."""
        found = self.estimate
        return [
            self.problem.name,
            f"{self.problem.w1:.4f}",
            f"{found.estimate:.4f}",
            f"{self.ratio:.3f} ± {self.error:.3f}",
            f"{self.lower:.3f}",
            found.critic_family,
            str(found.steps),
            found.stop_reason.value,
            f"{found.elapsed_s:.1f}",
            "" if found.self_check is None else f"{found.self_check.share:.3f}",
        ]


HEADER = [
    "problem", "W1", "estimate", "ratio", "lower", "critic", "steps", "stopped", "s",
    "planted",
]  # fmt: skip


def estimated(problem: Problem, n: int, config: EstimateConfig) -> Outcome:
    """Sample a problem and estimate it."""
    x, y = problem.sample(n, np.random.default_rng([config.seed, n]))
    outcome = Outcome(problem, estimate_w1(x, y, config))
    tell(problem.name, f"{outcome.ratio:.3f} in {outcome.estimate.elapsed_s:.1f} s")
    return outcome


def rank_correlations(outcomes: list[Outcome]) -> list[str]:
    """Say what ranks the problems by the share of the truth; nothing for too few.

    What a user knows: how many standard errors the estimate is, and, where there is
    one, the share of the planted difference. Spearman's, with SciPy's two-sided p.
    """
    signals = [(o.ratio / max(o.error, 1e-300), o.ratio) for o in outcomes]
    planted = [
        (o.estimate.self_check.share, o.ratio)
        for o in outcomes
        if o.estimate.self_check
    ]
    named = {"estimate over its standard error": signals, "planted share": planted}
    result = []
    for name, pairs in named.items():
        if len(pairs) > 2:
            found = spearmanr(*zip(*pairs, strict=True))
            result.append(
                f"rank correlation of the {name} with the share of the truth: "
                f"{found.statistic:.2f} over {len(pairs)} problems "
                f"(p = {found.pvalue:.3f})"
            )
    return result


def draw(outcomes: list[Outcome], title: str) -> None:
    """Draw estimates and lower bounds as shares of the truth, a line a problem."""
    axes = new_axes(height=1.2 + 0.25 * len(outcomes))
    places = range(len(outcomes))
    ratios, errors = [o.ratio for o in outcomes], [2 * o.error for o in outcomes]
    axes.errorbar(ratios, places, xerr=errors, fmt="o", label="estimate ± 2 s.e.")
    axes.plot([o.lower for o in outcomes], places, "|", ms=10, label="lower bound")
    axes.axvline(1.0, color="black", lw=0.8)
    axes.set_yticks(places, [o.problem.name for o in outcomes])
    axes.invert_yaxis()
    axes.set_xlim(left=0.0)
    axes.set_xlabel("share of the true W1")
    axes.set_title(title)
    axes.legend()
    save(axes, "known_truth")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"Problems: {', '.join(catalog())}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--problems", default=SMALL, help="regular expression of names")
    result.add_argument("--n", type=int, default=10_000, help="samples a side")
    result.add_argument("--effort", default="standard", choices=get_args(Effort))
    result.add_argument("--steps", type=int, help="instead of the effort's steps")
    result.add_argument("--critic", default="portfolio", choices=get_args(Family))
    result.add_argument("--seed", type=int, default=0)
    result.add_argument("--self-check", action="store_true", help="plant differences")
    return result


def main() -> None:
    """Print the table and its means, and draw the picture."""
    arguments = parser().parse_args()
    config = EstimateConfig(
        effort=arguments.effort,
        steps=arguments.steps,
        critic=arguments.critic,
        seed=arguments.seed,
        sample_bounds=False,
        self_check=arguments.self_check,
    )
    problems = select(arguments.problems)
    outcomes = [estimated(problem, arguments.n, config) for problem in problems]
    print(f"{machine()}; {vars(arguments)}\n")
    print_table(HEADER, [outcome.row() for outcome in outcomes])
    mean = np.mean([outcome.ratio for outcome in outcomes])
    misses = sum(outcome.lower > 1 for outcome in outcomes)
    print(f"\nmean ratio {mean:.3f}; {misses} of {len(outcomes)} lower bounds above W1")
    print(*rank_correlations(outcomes), sep="\n")
    draw(
        outcomes, f"{arguments.critic}, {arguments.effort}, n = {arguments.n:,} a side"
    )


if __name__ == "__main__":
    main()
