"""How often bounds fail: `python -m benchmarks.coverage [--count 2000]`.

Small seeded problems, with the critics that `quick` trains. A lower bound at 95 % may
exceed W1 in at most 5 % of them. As a critic far from the best one hides bad
statistics, a sharper column counts how often a bound exceeds what it bounds directly:
the expected difference of the very critic over its certificate, by Monte Carlo on fresh
samples. Last, on P = Q at most 5 % of the bounds may be above 0, and at most 5 % of the
p-values below 0.05.

With `--record FILE` each trial is written as it ends, and a second run goes on after
it. Several runs share the work by `--first` and `--kind`, each with a record of its
own; `--join FILES` makes the table of all of them.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

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
KINDS = {"known": (False,), "same": (True,), "both": (False, True)}
"""Which values of `null` each kind of run goes through."""

FRESH = 20_000
"""Samples a side behind the expected difference of a critic."""


@dataclass(frozen=True)
class Trial:
    """Lower bounds and p-value of one estimate, and what bounds must not exceed."""

    seed: int
    null: bool
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
    return Trial(config.seed, null, found.lower_bounds, truth, attained, found.p_value)


def expected_difference(found: Estimate, x: np.ndarray, y: np.ndarray) -> float:
    """Return the mean difference of the estimate's critic on fresh samples."""
    return float(score(found.critic, x).mean() - score(found.critic, y).mean())


def trials(
    arguments: argparse.Namespace, done: set[tuple[int, bool]]
) -> Iterator[Trial]:
    """Go through the problems in turn, a new seed each time, but for what is done."""
    problems = list(select(arguments.problems))
    for seed in range(arguments.first, arguments.first + arguments.count):
        config = EstimateConfig(
            effort="quick",
            width=arguments.width,
            steps=arguments.steps,
            seed=seed,
            sample_bounds=False,
        )
        for null in KINDS[arguments.kind]:
            if (seed, null) not in done:
                problem = problems[seed % len(problems)]
                yield trial(problem, arguments.n, config, null=null)


def recorded(paths: Sequence[Path]) -> list[Trial]:
    """Read the trials of records, each (seed, kind) once."""
    lines = [line for path in paths for line in path.read_text().splitlines()]
    found = [Trial(**json.loads(line)) for line in lines]
    return list({(each.seed, each.null): each for each in found}.values())


def run(arguments: argparse.Namespace) -> list[Trial]:
    """Return the trials asked for; a record is read first and written as they end."""
    record = arguments.record
    found = recorded([record]) if record and record.exists() else []
    done = {(each.seed, each.null) for each in found}
    with record.open("a") if record else nullcontext() as file:
        for each in trials(arguments, done):
            found.append(each)
            if file is not None:
                file.write(json.dumps(asdict(each)) + "\n")
                file.flush()
    return found


def rate(misses: Sequence[bool]) -> str:
    """Describe a share of misses with its two-sided 95 % interval (Clopper-Pearson)."""
    count, n = sum(misses), len(misses)
    if n == 0:
        return "none run"
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


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    result.add_argument("--problems", default=SMALL, help="regular expression of names")
    result.add_argument("--count", type=int, default=28, help="estimates of each kind")
    result.add_argument("--first", type=int, default=0, help="seed")
    result.add_argument("--kind", default="both", choices=KINDS, help="W1 known, P = Q")
    result.add_argument("--n", type=int, default=150, help="samples a side")
    result.add_argument("--width", type=int, help="of critics, instead of the effort's")
    result.add_argument("--steps", type=int, help="instead of the effort's")
    result.add_argument("--record", type=Path, help="file of trials, one a line")
    result.add_argument("--join", type=Path, nargs="+", help="records to tabulate")
    return result


def main() -> None:
    """Print the table and draw the picture."""
    arguments = parser().parse_args()
    every = recorded(arguments.join) if arguments.join else run(arguments)
    known, same = ([t for t in every if t.null == null] for null in (False, True))
    found = {method: misses(method, known, same) for method in METHODS}
    print(f"{machine()}; {vars(arguments)}\n")
    header = ["bound", "above W1", "above its critic's value", "above 0 on P = Q"]
    rows = [[method, *map(rate, columns)] for method, columns in found.items()]
    print_table(header, rows)
    print(f"\np < {LEVEL} on P = Q:", rate([t.p_value < LEVEL for t in same]))
    if known and same:
        draw_rates(found)


if __name__ == "__main__":
    main()
