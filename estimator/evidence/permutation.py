"""Exact p-values for P = Q by permuting which side each value came from.

Under P = Q the values g(x_1..n), g(y_1..m) of functions chosen without looking at these
samples are exchangeable. Any statistic may then be compared with its values after
random permutations: p = (1 + #{T_b >= T_0}) / (1 + B) is valid at every sample size and
every B (Phipson & Smyth 2010, "Permutation p-values should never be zero",
arXiv:1603.05766).

Parts whose functions were chosen on earlier parts alone give p-values each of which is
valid given the past; so they combine as independent ones would (`sequential`). Whatever
depends in an unknown way is combined by `weighted_bonferroni`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp, ndtr, ndtri

Array = NDArray[np.float64]

PERMUTATIONS = 4_999
MOST_RUNS = 2_048
"""Values are averaged into at most so many runs of both sides together."""

NEGLIGIBLE = 1e-6
"""A bound on the p-value up to this is the answer; else so much is added to it."""

FAR = 4.0
"""Deviations of a sum up to which its bound is not looked at: it is not so low."""

_CELLS = 2**20  # of one chunk of permutations
_ROUNDING = 1e-12


def permutation_p_value(
    x: Array,
    y: Array,
    rng: np.random.Generator,
    *,
    permutations: int = PERMUTATIONS,
) -> float:
    """Return the p-value of the largest standardized mean difference.

    The statistic is max_j (mean g_j(x) - mean g_j(y)) / s_j over J functions, with the
    deviation s_j of both sides together, which no permutation changes. The maximum is
    taken again after each permutation, so that its p-value needs no correction
    (Westfall & Young 1993).

    Where a bound on the share of all permutations that do as well is `NEGLIGIBLE`, it
    is the p-value, and nothing is permuted. Otherwise as much is added to what random
    permutations give, so that the level holds for both together.

    Args:
        x: Values (n,) or (J, n) of functions that did not see these samples.
        y: Values (m,) or (J, m).
        rng: Draws the permutations.
        permutations: Their number B.
    """
    runs, count = equal_runs(np.atleast_2d(x), np.atleast_2d(y))
    runs = runs - runs.mean(1, keepdims=True)
    deviations = runs.std(1, keepdims=True)
    informative = deviations[:, 0] > 0.0
    if not informative.any() or count in (0, runs.shape[1]):
        return 1.0
    runs = runs[informative] / deviations[informative]
    # Centered: the sum over one side determines the mean difference.
    observed = runs[:, :count].sum(1).max()
    if observed > FAR * np.sqrt(min(count, runs.shape[1] - count)):
        bound = tail_bound(runs, count, observed)
        if bound <= NEGLIGIBLE:
            return bound
    sums = permuted_sums(runs, count, permutations, rng).max(0)
    tolerance = _ROUNDING * runs.shape[1]
    found = (1 + np.sum(sums >= observed - tolerance)) / (1 + permutations)
    return float(min(1.0, found + NEGLIGIBLE))


def tail_bound(runs: Array, count: int, observed: float) -> float:
    """Bound the share of permutations whose largest sum over a side is `observed`.

    Sampling without replacement, the exponential moments of a sum are at most those
    with replacement (Hoeffding 1963, section 6, doi:10.1080/01621459.1963.10500830), so
    that Chernoff's bound holds with the moments of the values that are there:
    P(sum_n >= t) <= inf_a exp(-a t) mean(exp(a v))^n. The sum over the other side is
    the same with its sign changed, so the smaller of both bounds holds.

    Args:
        runs: Centered values (J, k).
        count: How many of them are on the first side.
        observed: The sum over that side.
    """
    if observed <= 0.0:
        return 1.0
    sides = [(runs, count), (-runs, runs.shape[1] - count)]
    logs = [[_chernoff(v, n, observed) for v in values] for values, n in sides]
    return float(min(1.0, *(np.exp(each).sum() for each in logs)))


def _chernoff(values: Array, count: int, observed: float) -> float:
    """Return the logarithm of Chernoff's bound for the sum of `count` of the values."""

    def exponent(tilt: float) -> float:
        moments = logsumexp(tilt * values) - np.log(len(values))
        return float(count * moments - tilt * observed)

    steepest = 700.0 / float(np.abs(values).max())
    found = minimize_scalar(exponent, bounds=(0.0, steepest), method="bounded")
    return min(0.0, float(found.fun))


def equal_runs(x: Array, y: Array, *, most: int = MOST_RUNS) -> tuple[Array, int]:
    """Average values (J, n), (J, m) into runs (J, k) of one length; the first are x's.

    Runs of equal length are as exchangeable as the values are, so that permuting them
    is exact, at a cost that no longer depends on n. Fewer values than one run are left
    over on each side.

    Returns:
        The runs of both sides and how many of them are the source's.
    """
    length = -(-(x.shape[1] + y.shape[1]) // most)
    length = max(1, min(length, x.shape[1], y.shape[1]))
    sides = [_means(values, length) for values in (x, y)]
    return np.concatenate(sides, axis=1), sides[0].shape[1]


def _means(values: Array, length: int) -> Array:
    count = values.shape[1] // length
    whole = values[:, : count * length]
    return np.asarray(whole.reshape(len(values), count, length).mean(2))


def permuted_sums(
    runs: Array, count: int, permutations: int, rng: np.random.Generator
) -> Array:
    """Sum `count` of the k runs (J, k) drawn without replacement -> (J, B)."""
    k = runs.shape[1]
    rows = max(1, _CELLS // k)
    sums = []
    for start in range(0, permutations, rows):
        chunk = min(rows, permutations - start)
        members = np.zeros((chunk, k))
        members[:, :count] = 1.0
        sums.append(runs @ rng.permuted(members, axis=1, out=members).T)
    return np.concatenate(sums, axis=1)


def sequential(p_values: Sequence[float], weights: Sequence[float]) -> float:
    """Combine p-values each of which is valid given all that came before it.

    Given the past, p_b is at least as large as a uniform variable, in law; so z_b =
    Phi^-1(1 - p_b) is at most a standard normal one, independent of the past, and
    Phi(-sum w_b z_b / |w|) is valid for weights fixed beforehand (Stouffer et al. 1949;
    Liptak 1958). The roots of sample sizes are good weights.
    """
    w = np.asarray(weights, dtype=np.float64)
    z = -ndtri(np.minimum(p_values, 1.0 - 1e-9))
    return float(ndtr(-(w @ z) / np.linalg.norm(w)))


def weighted_bonferroni(p_values: Sequence[float], weights: Sequence[float]) -> float:
    """Return min_j p_j / w_j for weights that sum to one; valid in any dependence."""
    shares = np.asarray(weights, dtype=np.float64) / np.sum(weights)
    with np.errstate(divide="ignore"):
        return float(min(1.0, np.min(np.asarray(p_values) / shares)))
