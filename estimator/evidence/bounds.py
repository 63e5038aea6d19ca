"""One-sided lower bounds and p-values for a difference of two means.

Given values of one fixed function g on independent test samples, g(x_1..n) and
g(y_1..m), with g in [low, high] known before the test samples were seen, bound
Delta = E_P g - E_Q g from below with probability `confidence`.

Betting and Bernstein work on paired differences Z_i with E Z_i = Delta, see
`paired_differences`. `p_value` is for the hypothesis Delta <= 0, which P = Q implies.

Cross-fitting hands over several parts, each with a function g_f of its own that was
chosen on the other parts. What is bounded then is the mean of the Delta_f (for betting:
the largest), which is at most W1 as each of them is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import logsumexp

from kantor.estimator.config import BoundMethod

Array = NDArray[np.float64]

POWER = 0.8
"""Probability with which the detectable distance would be detected."""

BISECTIONS = 60
_BET_LIMIT = 0.5
_NEGLIGIBLE = 1e-14  # a standard error that is rounding of constant values


@dataclass(frozen=True)
class TestValues:
    """Values of one function on its test samples.

    Attributes:
        x: Values on the source's (n,), in random order.
        y: Values on the target's (m,), in random order.
        value_range: high - low of g, fixed before the test samples were seen.
    """

    __test__ = False

    x: Array
    y: Array
    value_range: float

    @property
    def difference(self) -> float:
        """Mean difference between source and target."""
        return float(self.x.mean() - self.y.mean())


@dataclass(frozen=True)
class MeanBound:
    """A lower bound on Delta, a p-value for Delta <= 0, and what would be detected.

    Attributes:
        lower: At most Delta with the asked confidence.
        p_value: For Delta <= 0; below 1 - confidence exactly where lower > 0.
        detectable: About the smallest Delta that would give lower > 0 with probability
            `POWER`, were the values spread as they are. A normal approximation.
    """

    lower: float
    p_value: float
    detectable: float


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


def mean_difference(parts: Sequence[TestValues]) -> float:
    """Return the mean of the parts' differences."""
    return float(np.mean([part.difference for part in parts]))


def standard_error(parts: Sequence[TestValues]) -> float:
    """Return the standard error of `mean_difference`, by Welch, parts independent."""
    variances = [
        part.x.var(ddof=1) / len(part.x) + part.y.var(ddof=1) / len(part.y)
        for part in parts
    ]
    return float(np.sqrt(np.sum(variances))) / len(parts)


def betting_bound(parts: Sequence[TestValues], *, confidence: float) -> MeanBound:
    """Bound Delta by betting against it; valid at every sample size.

    With X_i = (Z_i / R + 1) / 2 in [0, 1] and predictable bets l_i, the capital
    K_t(m) = prod_{i<=t} (1 + min(l_i, c / m) (X_i - m)) is a non-negative
    supermartingale when the mean is at most m, so that max_t K_t(m) >= 1 / alpha
    rejects m at level alpha (Ville). The bound is the smallest m not rejected.
    Waudby-Smith & Ramdas (2024), "Estimating means of bounded random variables by
    betting", arXiv:2010.09686, sections 3 to 4. Since the capital's maximum may lie
    before the last sample, the bound can exceed the mean difference; it is cut there,
    and the p-value with it.

    With several parts, each part's final capital is an e-value, and so is their mean,
    however they depend on each other (Vovk & Wang 2021, arXiv:1912.06116, section 3);
    it takes the place of the maximum.
    """
    scale = max(part.value_range for part in parts)
    difference = mean_difference(parts)
    if scale == 0.0:
        return MeanBound(lower=0.0, p_value=1.0, detectable=0.0)
    bettors = [_Bettor.of(part, 1.0 - confidence) for part in parts]
    threshold = -np.log1p(-confidence)
    low, high = -scale, scale
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        rejected = _log_evidence(bettors, middle) >= threshold
        low, high = (middle, high) if rejected else (low, middle)
    lower = min(low, difference)
    p_value = float(np.exp(-max(0.0, _log_evidence(bettors, 0.0))))
    return MeanBound(
        lower,
        p_value if lower > 0.0 else max(p_value, 1.0 - confidence),
        detectable=_betting_detectable(bettors, parts, threshold),
    )


@dataclass(frozen=True)
class _Bettor:
    """Values X (k,) in [0, 1] of one part, and bets that look at earlier ones alone."""

    x: Array
    bets: Array
    value_range: float

    @classmethod
    def of(cls, part: TestValues, alpha: float) -> "_Bettor":
        value_range = part.value_range or 1.0
        z = paired_differences(part.x, part.y)
        x = 0.5 * (z / value_range + 1.0)
        return cls(x, _predictable_bets(x, alpha), value_range)

    def log_capitals(self, difference: float) -> Array:
        """Return ln K_t (k,) against the mean difference; decreasing in it."""
        mean = 0.5 * (difference / self.value_range + 1.0)
        if mean <= 0.0:
            return np.full(len(self.x), np.inf)
        limited = np.minimum(self.bets, _BET_LIMIT / mean)
        return np.asarray(np.cumsum(np.log1p(limited * (self.x - mean))))


def _predictable_bets(x: Array, alpha: float) -> Array:
    """Return l_i = sqrt(2 ln(1/alpha) / (n s_{i-1}^2)) from earlier values alone."""
    n = len(x)
    counts = np.arange(1, n + 1)
    means = (0.5 + np.cumsum(x)) / (counts + 1)
    variances = (0.25 + np.cumsum((x - means) ** 2)) / (counts + 1)
    previous = np.concatenate(([0.25], variances[:-1]))
    return np.asarray(np.sqrt(-2.0 * np.log(alpha) / (n * previous)))


def _log_evidence(bettors: Sequence[_Bettor], difference: float) -> float:
    """Return the logarithm of the evidence against a mean difference."""
    capitals = [bettor.log_capitals(difference) for bettor in bettors]
    if len(capitals) == 1:
        return float(capitals[0].max())
    return float(logsumexp([c[-1] for c in capitals]) - np.log(len(capitals)))


def _betting_detectable(
    bettors: Sequence[_Bettor], parts: Sequence[TestValues], threshold: float
) -> float:
    """Return Delta with k (l (Delta - z se) / (2 R) - l^2 s^2 / 2) = ln(1/alpha).

    The capital's expected growth at the last bet l, for the first part.
    """
    first = bettors[0]
    bet = min(float(first.bets[-1]), 2.0 * _BET_LIMIT)  # at mean 1/2
    growth = threshold / (len(first.x) * bet) + 0.5 * bet * float(first.x.var())
    margin = float(stats.norm.ppf(POWER)) * standard_error(parts[:1])
    return 2.0 * first.value_range * growth + margin


def bernstein_bound(parts: Sequence[TestValues], *, confidence: float) -> MeanBound:
    """Bound Delta by the empirical Bernstein inequality; valid at every sample size.

    mean(Z) - sqrt(2 V ln(2/alpha) / k) - 7 (2R) ln(2/alpha) / (3 (k - 1)) with the
    sample variance V. Maurer & Pontil (2009), "Empirical Bernstein bounds and
    sample-variance penalization", arXiv:0907.3740, theorems 4 and 11. With F parts each
    holds at alpha / F, so that their mean holds at alpha.
    """
    terms = [_bernstein_terms(part) for part in parts]
    mean, root, linear = (float(np.mean(column)) for column in zip(*terms, strict=True))
    log_term = float(np.log(2.0 * len(parts) / (1.0 - confidence)))
    width = root * np.sqrt(log_term) + linear * log_term
    margin = float(stats.norm.ppf(POWER)) * standard_error(parts)
    return MeanBound(
        float(mean - width),
        _bernstein_p_value(mean, root, linear, len(parts)),
        detectable=float(width + margin),
    )


def _bernstein_terms(part: TestValues) -> tuple[float, float, float]:
    """Return mean(Z) and the factors of sqrt(ln) and of ln in the width."""
    z = paired_differences(part.x, part.y)
    root = np.sqrt(2.0 * z.var(ddof=1) / len(z))
    return float(z.mean()), float(root), 14.0 * part.value_range / (3.0 * (len(z) - 1))


def _bernstein_p_value(mean: float, root: float, linear: float, parts: int) -> float:
    """Solve mean = root sqrt(t) + linear t for t = ln(2 F / p)."""
    if mean <= 0.0:
        return 1.0
    # The positive solution in sqrt(t), written without cancellation.
    sqrt_t = 2.0 * mean / (root + np.sqrt(root * root + 4.0 * linear * mean))
    return float(min(1.0, 2.0 * parts * np.exp(-sqrt_t * sqrt_t)))


def student_bound(parts: Sequence[TestValues], *, confidence: float) -> MeanBound:
    """Bound Delta by Welch's t; valid only in the limit of many samples."""
    difference, error = mean_difference(parts), standard_error(parts)
    largest = max(max(np.abs(p.x).max(), np.abs(p.y).max()) for p in parts)
    if error <= _NEGLIGIBLE * largest:
        return MeanBound(difference, 0.0 if difference > 0.0 else 1.0, detectable=0.0)
    df = sum(_welch_degrees(part) for part in parts)
    width = error * float(stats.t.ppf(confidence, df))
    return MeanBound(
        difference - width,
        float(stats.t.sf(difference / error, df)),
        detectable=width + error * float(stats.norm.ppf(POWER)),
    )


def _welch_degrees(part: TestValues) -> float:
    """Return Welch & Satterthwaite's degrees of freedom."""
    n, m = len(part.x), len(part.y)
    ex, ey = part.x.var(ddof=1) / n, part.y.var(ddof=1) / m
    terms = ex * ex / (n - 1) + ey * ey / (m - 1)
    return float((ex + ey) ** 2 / terms) if terms > 0.0 else 0.0


BOUND_METHODS: dict[BoundMethod, Callable[..., MeanBound]] = {
    "betting": betting_bound,
    "bernstein": bernstein_bound,
    "student": student_bound,
}
"""Every method by its name; each takes parts and a confidence."""
