"""Power at level 0.05: `python -m benchmarks.power [--trials 40] [--problems REGEX]`.

The pooled test of all samples, permuted held-out values of critics (cheap stand-ins of
`benchmarks.stand_ins`: one split, two folds), their combination as in the p-value, and
the energy distance and MMD (Gaussian, median bandwidth) by permutation. `--null` gives
both sides of each problem the first distribution and counts false rejections instead.
`--real` adds the p-value of `estimate_w1` itself at quick effort, which takes longer.
"""

import argparse
import re
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from benchmarks.stand_ins import crossed, judged, split_once
from benchmarks.tables import machine, print_table
from benchmarks.two_samples import PROBLEMS, TwoSamples
from kantor.estimator import EstimateConfig, estimate_w1
from kantor.estimator.evidence.p_value import SHARES
from kantor.estimator.evidence.permutation import (
    permutation_p_value,
    weighted_bonferroni,
)
from kantor.estimator.evidence.pooled import pooled_p_value

Array = NDArray[np.float64]
Rng = np.random.Generator
LEVEL = 0.05
PERMUTATIONS, PEERS_PERMUTATIONS = 999, 199


def one_split(x: Array, y: Array, rng: Rng) -> float:
    """Permute the values of one stand-in critic on its test samples."""
    values = judged(split_once(x, y), rng).test_values()
    return permutation_p_value(values.x, values.y, rng, permutations=PERMUTATIONS)


def two_folds(x: Array, y: Array, rng: Rng) -> float:
    """Permute those of two folds; Bonferroni."""
    parts = [judged(d, rng).test_values() for d in crossed(x, y, 2)]
    p = [permutation_p_value(v.x, v.y, rng, permutations=PERMUTATIONS) for v in parts]
    return weighted_bonferroni(p, [1.0, 1.0])


def kernel_peers(x: Array, y: Array, rng: Rng) -> tuple[float, float]:
    """Return p-values of the energy distance and MMD, by permutation."""
    z = np.concatenate((x, y)).astype(np.float32)
    distances = cdist(z, z).astype(np.float32)
    base = np.r_[np.full(len(x), 1 / len(x)), np.full(len(y), -1 / len(y))]
    signs = np.tile(base.astype(np.float32), (PEERS_PERMUTATIONS + 1, 1))
    signs[1:] = rng.permuted(signs[1:], axis=1)
    median = np.median(distances[::7, ::5])
    found = []
    for kernel in (-distances, np.exp(-0.5 * (distances / median) ** 2)):
        forms = np.einsum("bn,bn->b", signs @ kernel, signs)
        found.append(float(np.mean(forms >= forms[0])))
    return found[0], found[1]


def trial(
    problem: TwoSamples, seed: int, *, null: bool = False, real: bool = False
) -> dict[str, float]:
    """Return the p-value of each test."""
    rng = np.random.default_rng([11, seed, problem.n])
    x, y = problem.draw(problem.n, rng)
    if null:
        rows = np.concatenate((x, problem.draw(problem.n, rng)[0]))
        x, y = rows[: problem.n], rows[problem.n :]
    tests: dict[str, Callable[[Array, Array, Rng], float]] = {
        "pooled": pooled_p_value,
        "one split": one_split,
        "two folds": two_folds,
    }
    found = {name: test(x, y, rng) for name, test in tests.items()}
    both = [found["pooled"], found["one split"]]
    found["together"] = weighted_bonferroni(both, SHARES)
    if real:
        config = EstimateConfig(effort="quick", seed=seed, sample_bounds=False)
        found["estimate_w1"] = estimate_w1(x, y, config).p_value
    found["energy"], found["MMD"] = kernel_peers(x, y, rng)
    return found


def rates(
    problem: TwoSamples, trials: int, *, null: bool, real: bool
) -> dict[str, str]:
    """Return a row: how often each test rejects, and processor seconds a trial."""
    start = time.process_time()
    found = [trial(problem, s, null=null, real=real) for s in range(trials)]
    seconds = (time.process_time() - start) / trials
    shares = {name: np.mean([t[name] <= LEVEL for t in found]) for name in found[0]}
    cells = {name: f"{share:.2f}" for name, share in shares.items()}
    return (
        {"problem": f"{problem.name}, n = {problem.n:,}"}
        | cells
        | {"processor s": f"{seconds:.2f}"}
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--problems", default=".*", help="regular expression of names")
    parser.add_argument("--null", action="store_true", help="P = Q instead")
    parser.add_argument("--real", action="store_true", help="train critics as well")
    given = parser.parse_args()
    rows = [
        rates(problem, given.trials, null=given.null, real=given.real)
        for problem in PROBLEMS
        if re.match(given.problems, f"{problem.name} {problem.n}")
    ]
    if not rows:
        parser.error(f"expected a pattern of problems, received {given.problems!r}")
    print(f"{machine()}; {vars(given)}\n")
    print_table(list(rows[0]), [list(row.values()) for row in rows])


if __name__ == "__main__":
    main()
