"""The range to which a critic is clamped before it meets its test samples.

A clamp is 1-Lipschitz, so the certificate stands, and bounded, so that betting and
Bernstein's inequality hold. It is chosen on fit and validation samples alone. A narrow
one gives a smaller difference with a smaller deviation and range: it pays where test
samples are few or tails are heavy. The whole range seen is among the candidates.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

TAILS = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1)
"""Candidate shares of the values beyond either end of the range."""

RANGE_COST = 0.4
"""Loss of a bound per range and ln(1 / alpha), over the number of test pairs."""


@dataclass(frozen=True)
class Clamp:
    """A range, and what the clamped critic is expected to show on test samples.

    Attributes:
        low: Lower end.
        high: Upper end.
        expected: Mean difference on the validation samples.
        spread: Deviation of the difference of one pair.
    """

    low: float
    high: float
    expected: float
    spread: float

    def __call__(self, values: Array) -> Array:
        """Clamp values."""
        return np.clip(values, self.low, self.high)

    @property
    def value_range(self) -> float:
        """High - low."""
        return self.high - self.low


def chosen_clamp(
    fit: tuple[Array, Array],
    validation: tuple[Array, Array],
    *,
    test_pairs: int,
    confidence: float,
) -> Clamp:
    """Choose the range with the largest expected lower bound.

    The bound is taken to be Delta - z_alpha s / sqrt(k) - c R ln(1 / alpha) / k: what
    betting loses to chance, and to the limit of its bets near the end. Delta and s are
    those of fit and validation samples; how far the critic was overfitted to them
    matters little, since it is common to all candidates.

    Args:
        fit: Values on the fit samples of source (n,) and target (m,).
        validation: Values on the validation samples.
        test_pairs: The number k of pairs that will testify.
        confidence: Of the bound.
    """
    x, y = (np.concatenate(side) for side in zip(fit, validation, strict=True))
    tails = [_quantiles(x, y, tail) for tail in TAILS]
    candidates = [(low, high) for low, _ in tails for _, high in tails]
    z, logs = stats.norm.ppf(confidence), -np.log1p(-confidence)

    def expected_bound(ends: tuple[float, float]) -> float:
        a, b = np.clip(x, *ends), np.clip(y, *ends)
        chance = z * np.sqrt((a.var() + b.var()) / test_pairs)
        limit = RANGE_COST * (ends[1] - ends[0]) * logs / test_pairs
        return float(a.mean() - b.mean() - chance - limit)

    low, high = max(candidates, key=expected_bound)
    a, b = (np.clip(side, low, high) for side in validation)
    spread = np.sqrt(np.clip(x, low, high).var() + np.clip(y, low, high).var())
    return Clamp(low, high, float(a.mean() - b.mean()), float(spread))


def _quantiles(x: Array, y: Array, tail: float) -> tuple[float, float]:
    """Return the outer ones of both sides' quantiles, so that neither loses more."""
    low = min(np.quantile(x, tail), np.quantile(y, tail))
    high = max(np.quantile(x, 1.0 - tail), np.quantile(y, 1.0 - tail))
    return float(low), float(high)
