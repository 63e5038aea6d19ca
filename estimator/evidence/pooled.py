"""An exact test of P = Q that needs no training, so that every sample testifies.

The statistics are quadratic forms |A (mean phi(x) - mean phi(y))|^2 in features phi of
kernels, which depend on the pooled samples and not on their sides. So the sides can be
permuted jointly and nothing is held out:

- the energy distance, through its kernel (|x| + |y| - |x - y|) / 2;
- spectrally regularized ones: with principal directions of variance s_k^2, direction k
  weighs 1 / (s_k^2 + l) in place of 1 (Harchaoui, Bach & Moulines 2007,
  arXiv:0804.1026; Hagrass, Sriperumbudur & Li 2022, arXiv:2212.09201). They see what
  the leading directions hide: within-cluster shape, third moments, rare changes.

Each statistic becomes the tail probability of a gamma law with the moments it has over
the permutations; the smallest one is compared with the smallest one of each permutation
(min-p, Westfall & Young 1993), which needs no correction and is exact.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, eigh, solve_triangular
from scipy.optimize import brentq
from scipy.stats import gamma

from kantor.estimator.evidence.permutation import equal_runs

Array = NDArray[np.float64]

PERMUTATIONS = 999
LEAST_P_VALUE = 1.0 / (1.0 + PERMUTATIONS)
LANDMARKS = 512
MOST_ROWS = 10_000
"""Rows a side that are looked at; a random part where there are more."""

MOST_RUNS = 2_048
_JITTER = 1e-6
_SMALLEST = 1e-9  # variance of a direction, relative to the largest
_WIDEST_SHARE = 0.6  # of the directions, beyond which all noise is amplified


@dataclass(frozen=True)
class Kernel:
    """A kernel of the distance and what is asked of its features.

    Attributes:
        quantile: Bandwidth of a Gaussian as a quantile of the distances; None for the
            kernel of the energy distance.
        stretch: Factor of that bandwidth.
        freedoms: Effective numbers of directions sum_k s_k^2 / (s_k^2 + l).
        plain: Weight of the form without regularization; 0 leaves it out.
    """

    quantile: float | None
    stretch: float
    freedoms: tuple[int, ...]
    plain: float = 0.0

    def gram(self, distances: Array, landmarks: Array, scale: Array) -> Array:
        """Return k(x, a) (n, D) for distances (n, D) to the landmarks.

        `landmarks` are the distances (D, D) among these, `scale` those not zero.
        """
        if self.quantile is None:
            found = distances.mean(1, keepdims=True) - distances
            found += landmarks.mean(0)
            return np.asarray(0.5 * found)
        width = self.stretch * float(np.quantile(scale, self.quantile))
        found = distances / width
        found *= found
        found *= -0.5
        return np.asarray(np.exp(found, out=found))


KERNELS = (
    Kernel(None, 1.0, (16, 64, 256), plain=4.0),
    Kernel(0.05, 1.0, (16, 128)),
    Kernel(0.5, 3.0, (8, 128)),
)


def pooled_p_value(
    x: Array,
    y: Array,
    rng: np.random.Generator,
    *,
    permutations: int = PERMUTATIONS,
) -> float:
    """Return the p-value of P = Q from all samples x (n, d), y (m, d).

    Args:
        x: Independent samples of the source, in float64.
        y: Independent samples of the target.
        rng: Draws landmarks and permutations.
        permutations: Their number B; the p-value is at least 1 / (1 + B).
    """
    x, y = (side[rng.permutation(len(side))[:MOST_ROWS]] for side in (x, y))
    rows = np.concatenate((x, y))
    rows = rows - rows.mean(0)
    landmarks = rows[rng.permutation(len(rows))[:LANDMARKS]]
    members: Array | None = None
    smallest = np.full(permutations + 1, np.inf)
    for kernel, features in _features(rows, landmarks):
        runs, count = equal_runs(
            features[:, : len(x)], features[:, len(x) :], most=MOST_RUNS
        )
        if members is None:
            members = _memberships(runs.shape[1], count, permutations, rng)
        directions, weights, priors = _directions(kernel, features)
        # Turned last: there are fewer sums over sides than samples.
        sums = (runs - runs.mean(1, keepdims=True)) @ members
        forms = weights @ (directions @ sums) ** 2
        tails = _log_tails(forms) - np.log(priors)[:, None]
        smallest = np.minimum(smallest, tails.min(0))
    if members is None:
        return 1.0
    return float(np.mean(smallest <= smallest[0] + 1e-12 * abs(smallest[0])))


def _memberships(
    k: int, count: int, permutations: int, rng: np.random.Generator
) -> Array:
    """Return indicators (k, 1 + B) of the source: as observed, then permuted."""
    members = np.zeros((permutations + 1, k))
    members[:, :count] = 1.0
    rng.permuted(members[1:], axis=1, out=members[1:])
    return members.T


def _features(rows: Array, landmarks: Array) -> Iterator[tuple[Kernel, Array]]:
    """Yield kernels with features (D, n) by Nystroem, K_aa^(-1/2) K_an, centered."""
    distances, among = _distances(rows, landmarks), _distances(landmarks, landmarks)
    scale = among[among > 1e-9 * among.max()] if among.size else among
    if not scale.size:
        return
    for kernel in KERNELS:
        own = kernel.gram(among, among, scale)
        own = own + _JITTER * np.trace(own) / len(own) * np.eye(len(own))
        factor = cholesky(0.5 * (own + own.T), lower=True)
        cross = kernel.gram(distances, among, scale)
        features = solve_triangular(
            factor, cross.T, lower=True, overwrite_b=True, check_finite=False
        )
        features -= features.mean(1, keepdims=True)
        yield kernel, features


def _directions(kernel: Kernel, features: Array) -> tuple[Array, Array, Array]:
    """Return what turns features (D, n) to principal directions of unit length (r, D).

    With it weights (J, r) of J quadratic forms of these, and their priors (J,).
    """
    variances, vectors = eigh(features @ features.T, driver="evd", check_finite=False)
    kept = variances > _SMALLEST * variances[-1]
    variances, vectors = variances[kept], vectors[:, kept]
    weights, priors = _forms(kernel, variances)
    return (vectors / np.sqrt(variances)).T, weights, priors


def _distances(rows: Array, landmarks: Array) -> Array:
    """Distances by products: rounding costs power at most, it treats sides alike."""
    found = (-2.0 * rows) @ landmarks.T
    found += (rows**2).sum(1)[:, None]
    found += (landmarks**2).sum(1)
    np.maximum(found, 0.0, out=found)
    return np.sqrt(found, out=found)


def _forms(kernel: Kernel, variances: Array) -> tuple[Array, Array]:
    """Return weights (J, r) of unit directions, and how much each form counts (J,)."""
    forms = [(kernel.plain, variances)] if kernel.plain else []
    widest = _WIDEST_SHARE * len(variances)
    wanted = [float(f) for f in kernel.freedoms if f <= widest]
    for freedom in wanted or [0.5 * len(variances)]:
        forms.append((1.0, variances / (variances + _ridge(variances, freedom))))
    priors, weights = zip(*forms, strict=True)
    return np.array(weights), np.array(priors)


def _ridge(variances: Array, freedom: float) -> float:
    """Solve sum_k s_k^2 / (s_k^2 + l) = freedom for l."""

    def excess(log_ridge: float) -> float:
        shares = variances / (variances + np.exp(log_ridge))
        return float(shares.sum() - freedom)

    low = np.log(variances[0]) - 30.0
    high = np.log(variances[-1] * len(variances)) + 5.0
    return float(np.exp(brentq(excess, low, high)))


def _log_tails(forms: Array) -> Array:
    """Return ln P(Gamma >= form) (J, 1 + B), by each form's moments over all."""
    means = forms.mean(1, keepdims=True)
    spreads = forms.var(1, keepdims=True) + np.finfo(float).tiny
    tails = gamma.logsf(forms, means**2 / spreads, scale=spreads / means)
    return np.asarray(np.maximum(tails, -1e6))
