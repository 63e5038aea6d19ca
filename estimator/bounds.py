"""One-sided lower bounds and p-values for a difference of two means.

Given values of one fixed function g on independent test samples, g(x_1..n) and
g(y_1..m), with g in [low, high] known before the test samples were seen, bound
Delta = E_P g - E_Q g from below with probability `confidence`.

Betting and Bernstein work on paired differences Z_i with E Z_i = Delta, see
`paired_differences`. `p_value` is for the hypothesis Delta <= 0, which P = Q implies.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

BISECTIONS = 60
_BET_LIMIT = 0.5
_NEGLIGIBLE = 1e-14  # a standard error that is rounding of constant values


@dataclass(frozen=True)
class MeanBound:
    """A lower bound on Delta at the asked confidence, and a p-value for Delta <= 0."""

    lower: float
    p_value: float


def paired_differences(gx: Array, gy: Array) -> Array:
    """Pair values of both sides into k = min(n, m) independent differences.

    The longer side is cut into k runs of nearly equal length whose means stand for it,
    so that every value is used and E Z_i = Delta exactly; Z_i stays in the range of a
    difference of two values.
    """
    k = min(len(gx), len(gy))
    return _run_means(gx, k) - _run_means(gy, k)


def _run_means(values: Array, k: int) -> Array:
    edges = np.linspace(0, len(values), k + 1).astype(np.intp)
    return np.asarray(np.add.reduceat(values, edges[:-1]) / np.diff(edges))


def standard_error(gx: Array, gy: Array) -> float:
    """Return the standard error of mean(gx) - mean(gy), by Welch."""
    return float(np.sqrt(gx.var(ddof=1) / len(gx) + gy.var(ddof=1) / len(gy)))


def betting_bound(
    gx: Array, gy: Array, *, value_range: float, confidence: float
) -> MeanBound:
    """Bound Delta by betting against it; valid at every sample size.

    With X_i = (Z_i / R + 1) / 2 in [0, 1] and predictable bets l_i, the capital
    K_t(m) = prod_{i<=t} (1 + min(l_i, c / m) (X_i - m)) is a non-negative
    supermartingale when the mean is at most m, so that max_t K_t(m) >= 1 / alpha
    rejects m at level alpha (Ville). The bound is the smallest m not rejected.
    Waudby-Smith & Ramdas (2024), "Estimating means of bounded random variables by
    betting", arXiv:2010.09686, sections 3 to 4. Since the capital's maximum may lie
    before the last sample, the bound can exceed the mean difference; it is cut there,
    and the p-value with it.

    Args:
        gx: Values on the source's test samples (n,), in random order.
        gy: Values on the target's test samples (m,), in random order.
        value_range: R = high - low of g, fixed before the test samples were seen.
        confidence: 1 - alpha, in [0.5, 1).
    """
    if value_range == 0.0:
        return MeanBound(lower=0.0, p_value=1.0)
    x = 0.5 * (paired_differences(gx, gy) / value_range + 1.0)
    bets = _predictable_bets(x, 1.0 - confidence)
    threshold = -np.log1p(-confidence)
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        rejected = _log_capital(x, bets, middle) >= threshold
        low, high = (middle, high) if rejected else (low, middle)
    p_value = float(np.exp(-max(0.0, _log_capital(x, bets, 0.5))))
    lower = min(value_range * (2.0 * low - 1.0), float(gx.mean() - gy.mean()))
    return MeanBound(lower, p_value if lower > 0.0 else max(p_value, 1.0 - confidence))


def _predictable_bets(x: Array, alpha: float) -> Array:
    """Return l_i = sqrt(2 ln(1/alpha) / (n s_{i-1}^2)) from earlier values alone."""
    n = len(x)
    counts = np.arange(1, n + 1)
    means = (0.5 + np.cumsum(x)) / (counts + 1)
    variances = (0.25 + np.cumsum((x - means) ** 2)) / (counts + 1)
    previous = np.concatenate(([0.25], variances[:-1]))
    return np.asarray(np.sqrt(-2.0 * np.log(alpha) / (n * previous)))


def _log_capital(x: Array, bets: Array, mean: float) -> float:
    """Return max_t ln K_t(mean); decreasing in `mean`, never below -inf."""
    if mean <= 0.0:
        return np.inf
    limited = np.minimum(bets, _BET_LIMIT / mean)
    return float(np.cumsum(np.log1p(limited * (x - mean))).max())


def bernstein_bound(
    gx: Array, gy: Array, *, value_range: float, confidence: float
) -> MeanBound:
    """Bound Delta by the empirical Bernstein inequality; valid at every sample size.

    mean(Z) - sqrt(2 V ln(2/alpha) / k) - 7 (2R) ln(2/alpha) / (3 (k - 1)) with the
    sample variance V. Maurer & Pontil (2009), "Empirical Bernstein bounds and
    sample-variance penalization", arXiv:0907.3740, theorems 4 and 11.
    """
    z = paired_differences(gx, gy)
    log_term = np.log(2.0 / (1.0 - confidence))
    linear = 14.0 * value_range / (3.0 * (len(z) - 1))
    root = np.sqrt(2.0 * z.var(ddof=1) / len(z))
    lower = z.mean() - root * np.sqrt(log_term) - linear * log_term
    return MeanBound(float(lower), _bernstein_p_value(float(z.mean()), root, linear))


def _bernstein_p_value(mean: float, root: float, linear: float) -> float:
    """Solve mean = root sqrt(t) + linear t for t = ln(2 / p)."""
    if mean <= 0.0:
        return 1.0
    # The positive solution in sqrt(t), written without cancellation.
    sqrt_t = 2.0 * mean / (root + np.sqrt(root * root + 4.0 * linear * mean))
    return float(min(1.0, 2.0 * np.exp(-sqrt_t * sqrt_t)))


def student_bound(gx: Array, gy: Array, *, confidence: float) -> MeanBound:
    """Bound Delta by Welch's t; valid only in the limit of many samples."""
    difference, error = float(gx.mean() - gy.mean()), standard_error(gx, gy)
    if error <= _NEGLIGIBLE * max(np.abs(gx).max(), np.abs(gy).max()):
        return MeanBound(difference, 0.0 if difference > 0.0 else 1.0)
    df = _welch_degrees(gx, gy)
    lower = difference - error * float(stats.t.ppf(confidence, df))
    return MeanBound(lower, float(stats.t.sf(difference / error, df)))


def _welch_degrees(gx: Array, gy: Array) -> float:
    """Return Welch & Satterthwaite's degrees of freedom."""
    ex, ey = gx.var(ddof=1) / len(gx), gy.var(ddof=1) / len(gy)
    terms = ex * ex / (len(gx) - 1) + ey * ey / (len(gy) - 1)
    return float((ex + ey) ** 2 / terms)
