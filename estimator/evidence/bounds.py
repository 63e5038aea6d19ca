"""One-sided lower bounds for a difference of two means, valid for W1.

Each part holds values of one function g, fixed before the part's samples were seen, on
independent test samples: g(x_1..n) and g(y_1..m), with g in [low, high]. A bound is for
Delta = E_P g - E_Q g, which is at most W1 where g is 1-Lipschitz.

Several parts come in one of two ways:

- `sequential`: the function of a part was chosen on earlier parts (and on samples that
  never testify) alone. Then errors are martingale differences: variances add, and one
  capital runs through all parts.
- `crossed`: cross-fitting; the function of each part was chosen on the other parts.
  Then the parts depend on each other in an unknown way: deviations add instead of
  variances (Minkowski), and levels are shared out (Bonferroni).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtri_exp

from kantor.estimator.config import BoundMethod

Array = NDArray[np.float64]
Order = Literal["sequential", "crossed"]

POWER = 0.8
"""Probability with which the detectable distance would be detected."""

BET_LIMIT = 0.95
"""Largest share of the capital that one pair can lose; any c < 1 is valid."""

MOST_CHANGES = 1024
"""How often bets change at most."""

_PRIOR_PAIRS = 16.0  # weight of the expected spread against that of the pairs so far
_USUAL_HAZARD = 2.06  # phi(u) / (1 - Phi(u)) where 1 - Phi(u) = 0.05
_EARLY = 0.3
_GRID_CELLS = 4e7  # of means times pairs
_NEGLIGIBLE = 1e-14  # a standard error that is rounding of constant values


@dataclass(frozen=True)
class TestValues:
    """Values of one function on its test samples.

    Attributes:
        x: Values on the source's (n,), in random order.
        y: Values on the target's (m,), in random order.
        value_range: high - low of g, fixed before the test samples were seen.
        expected: Delta as fit and validation samples suggest. Like `spread`, it steers
            the bets and never the validity.
        spread: Expected deviation of the difference of one pair, g(x_i) - g(y_i).
    """

    __test__ = False

    x: Array
    y: Array
    value_range: float
    expected: float | None = None
    spread: float | None = None

    @property
    def difference(self) -> float:
        """Mean difference between source and target."""
        return float(self.x.mean() - self.y.mean())

    @property
    def error(self) -> float:
        """Standard error of `difference`, by Welch."""
        n, m = len(self.x), len(self.y)
        return float(np.sqrt(self.x.var(ddof=1) / n + self.y.var(ddof=1) / m))

    @property
    def pairs(self) -> int:
        """Number of independent pairs."""
        return min(len(self.x), len(self.y))


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


def _shares(parts: Sequence[TestValues]) -> Array:
    """Return the weight of each part in the estimate: its share of the pairs."""
    pairs = np.array([part.pairs for part in parts], dtype=np.float64)
    return np.asarray(pairs / pairs.sum())


def mean_difference(parts: Sequence[TestValues]) -> float:
    """Return the parts' differences, averaged by their numbers of pairs."""
    return float(_shares(parts) @ [part.difference for part in parts])


def standard_error(
    parts: Sequence[TestValues], *, order: Order = "sequential"
) -> float:
    """Return the standard error of `mean_difference` about the mean of the Delta_b.

    With D_b = difference_b - Delta_b and shares w_b: D_b given the past has mean 0 when
    sequential, so the D_b are uncorrelated and sd = sqrt(sum w_b^2 se_b^2). Crossed
    parts correlate in an unknown way, and sd <= sum w_b se_b (Minkowski), with equality
    at correlation one; the true deviation may be as little as 1 / sqrt(F) of it.
    """
    errors = _shares(parts) * [part.error for part in parts]
    if order == "sequential":
        return float(np.sqrt(np.sum(errors * errors)))
    return float(np.sum(errors))


def betting_bound(
    parts: Sequence[TestValues], *, confidence: float, order: Order = "sequential"
) -> float:
    """Bound the largest Delta_b from below by betting; valid at every sample size.

    A capital W starts at 1 and meets the paired differences Z_i in turn,
    W <- W (1 + l_i (Z_i - m)) with a predictable 0 <= l_i <= c / (R + m). If every
    Delta_b <= m, it is a non-negative supermartingale, so that W >= 1 / alpha at any
    time has probability at most alpha (Ville), and m is rejected. Waudby-Smith & Ramdas
    (2024), "Estimating means of bounded random variables by betting", arXiv:2010.09686.

    The bets aim at 1 / alpha on the last pair, see `log_capitals`. They depend on m, so
    that rejection need not be monotone in m; the bound is the largest point of a grid,
    fixed before the test samples were seen, up to which every point is rejected. It
    exceeds W1 only where the first point at or above W1 is rejected: level alpha.

    Crossed parts each give a bound at alpha / F, and the largest of them counts.
    """
    alpha = 1.0 - confidence
    if order == "crossed" and len(parts) > 1:
        each = 1.0 - alpha / len(parts)
        return max(betting_bound([part], confidence=each) for part in parts)
    stakes = Stakes.of(parts)
    reach = float(stakes.reach.max())
    if reach == 0.0:
        return 0.0
    means, target = _grid(parts, reach), -float(np.log(alpha))
    rejected = log_capitals(stakes, means, target) >= target
    accepted = np.flatnonzero(~rejected)
    first = int(accepted[0]) if len(accepted) else len(means)
    lower = float(means[first - 1]) if first else -reach
    return float(min(lower, mean_difference(parts)))


@dataclass(frozen=True)
class Stakes:
    """Differences Z (k,) of all parts in order, their ranges R (k,), and a variance.

    Attributes:
        z: Paired differences; (g, k) for a row of its own against each mean.
        reach: R with |z| <= R, of the part that each pair belongs to.
        variance: Expected variance of a pair before any was seen.
    """

    z: Array
    reach: Array
    variance: float

    @classmethod
    def of(cls, parts: Sequence[TestValues]) -> "Stakes":
        """Put the pairs of all parts in a row."""
        pairs = [paired_differences(part.x, part.y) for part in parts]
        ranges = np.repeat([p.value_range for p in parts], [len(z) for z in pairs])
        first = parts[0]
        spread = 0.5 * first.value_range if first.spread is None else first.spread
        return cls(np.concatenate(pairs), ranges, spread**2)

    def scales(self) -> Array:
        """Return 1 / (s sqrt(t)), shaped as z, as known before each pair (predictable).

        Bets are limited by the range, and so at the end by less than what replication
        asks for, over the last t0 pairs. Aiming at an end earlier by a share of t0
        makes up for it (simulated: widths within 4 % of the ideal one).
        """
        counts = np.arange(1, self.z.shape[-1] + 1)
        means = np.cumsum(self.z, axis=-1) / counts
        squares = np.cumsum((self.z - means) ** 2, axis=-1)
        seen = (_PRIOR_PAIRS * self.variance + squares) / (_PRIOR_PAIRS + counts - 1)
        known = np.full_like(self.z, self.variance)
        known[..., 1:] = seen[..., :-1]
        known = np.maximum(known, (1e-6 * self.reach) ** 2)
        left = counts[::-1]
        limited = (_USUAL_HAZARD * self.reach / BET_LIMIT) ** 2 / known
        early = np.maximum(left - _EARLY * limited, _EARLY * np.minimum(left, limited))
        return np.asarray(1.0 / np.sqrt(known * early))


def _hedge_table() -> tuple[Array, Array]:
    """Tabulate phi(u) / p at u with 1 - Phi(u) = p = exp(-s), over s in [0, 400]."""
    shortfall = np.linspace(0.0, 20.0, 2001) ** 2
    u = -ndtri_exp(-shortfall[1:])
    hazard = np.exp(stats.norm.logpdf(u) + shortfall[1:])
    return shortfall, np.concatenate(([0.0], hazard))


_SHORTFALL, _HAZARD = _hedge_table()


def log_capitals(
    stakes: Stakes, means: Array, target: float, *, changes: int = MOST_CHANGES
) -> Array:
    """Return ln W (g,) after all pairs against each of the means (g,).

    The bets replicate a digital option that pays exp(target) on the last pair. Were the
    Z_i Gaussian with known variance s^2 and mean m, a capital W with t pairs left could
    be turned into the target with probability p = W exp(-target), by holding the
    derivative of p = 1 - Phi(u): l = phi(u) / (p s sqrt(t)). As t grows this is the
    test of Neyman & Pearson, of width z_alpha s / sqrt(k) where bets of constant size
    have sqrt(2 ln(1 / alpha)) s / sqrt(k): 1.64 against 2.45 at alpha = 0.05. For small
    p it is the bet of STaR-Bets, sqrt(2 ln(1 / p)) / (s sqrt(t)) (Voracek & Orabona
    2025, arXiv:2505.22422). Gaussianity matters for the width alone.

    Bets change at most `changes` times, so that large samples stay cheap.
    """
    scales = stakes.scales()
    logs = np.zeros_like(means)
    count = stakes.z.shape[-1]
    step = -(-count // changes)
    for start in range(0, count, step):
        z = stakes.z[..., start : start + step]
        room = stakes.reach[start : start + step].max() + means
        with np.errstate(divide="ignore"):
            limit = np.where(room > 0.0, BET_LIMIT / room, np.inf)
        hazard = np.interp(target - logs, _SHORTFALL, _HAZARD, left=0.0)
        bets = np.minimum(scales[..., start] * hazard, limit)
        logs += np.log1p(bets[:, None] * (z - means[:, None])).sum(1)
    return logs


def _grid(parts: Sequence[TestValues], reach: float) -> Array:
    """Return candidates for the mean, dense where the bound is expected."""
    first, pairs = parts[0], sum(part.pairs for part in parts)
    points = int(np.clip(_GRID_CELLS / pairs, 40, 400))
    grid = [np.linspace(-reach, reach, points // 2 + 1)]
    if first.expected is not None and first.spread is not None:
        error = first.spread / np.sqrt(pairs)
        grid.append(first.expected + error * np.linspace(-12.0, 8.0, points))
        grid.append(np.linspace(0.0, first.expected, points // 4 + 1))
    every = np.unique(np.concatenate(grid))
    return np.asarray(every[np.abs(every) <= reach])


def bernstein_bound(
    parts: Sequence[TestValues], *, confidence: float, order: Order = "sequential"
) -> float:
    """Bound Delta by the empirical Bernstein inequality; valid at every sample size.

    mean(Z) - sqrt(2 V ln(2/a) / k) - 7 (2R) ln(2/a) / (3 (k - 1)) with the sample
    variance V. Maurer & Pontil (2009), "Empirical Bernstein bounds and
    sample-variance penalization", arXiv:0907.3740, theorems 4 and 11. With F parts, in
    either order, each holds at a = alpha / F, so that their mean holds at alpha.
    """
    log_term = float(np.log(2.0 * len(parts) / (1.0 - confidence)))
    return float(_shares(parts) @ [_bernstein(part, log_term) for part in parts])


def _bernstein(part: TestValues, log_term: float) -> float:
    z = paired_differences(part.x, part.y)
    root = np.sqrt(2.0 * z.var(ddof=1) * log_term / len(z))
    return float(z.mean() - root - 14 * part.value_range * log_term / (3 * len(z) - 3))


def student_bound(
    parts: Sequence[TestValues], *, confidence: float, order: Order = "sequential"
) -> float:
    """Bound Delta by Welch's t; valid only in the limit of many samples.

    Degrees of freedom by Welch & Satterthwaite, added up over parts when sequential,
    the fewest of a part when crossed.
    """
    difference, error = mean_difference(parts), standard_error(parts, order=order)
    largest = max(max(np.abs(p.x).max(), np.abs(p.y).max()) for p in parts)
    if error <= _NEGLIGIBLE * largest:
        return difference
    degrees = [_welch_degrees(part) for part in parts]
    df = sum(degrees) if order == "sequential" else min(degrees)
    return difference - error * float(stats.t.ppf(confidence, max(1.0, df)))


def _welch_degrees(part: TestValues) -> float:
    n, m = len(part.x), len(part.y)
    ex, ey = part.x.var(ddof=1) / n, part.y.var(ddof=1) / m
    terms = ex * ex / (n - 1) + ey * ey / (m - 1)
    return float((ex + ey) ** 2 / terms) if terms > 0.0 else 0.0


BOUND_METHODS: dict[BoundMethod, Callable[..., float]] = {
    "betting": betting_bound,
    "bernstein": bernstein_bound,
    "student": student_bound,
}
"""Every method by its name; each takes parts, a confidence and an order."""
