"""Two-sample problems of the power benchmark; each draws (x, y) of n rows a side.

Blobs and HDGM as in Liu et al. (2020), "Learning deep kernels for non-parametric
two-sample tests", arXiv:2002.09116: nine blobs of variance 0.03 on {0, 1, 2}^2 whose
covariances differ (0, or 0.02 to 0.026 either way), and two Gaussians 0.5 apart in each
feature whose first two features correlate by +-0.5 under Q. Four Gaussians at
(+-20, +-20), one of deviation 1.3 under Q: Biggs, Schrab & Gretton (2023), "MMD-FUSE",
arXiv:2306.08777. Digits: 8 x 8 images of scikit-learn, both sides without a common row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rng = np.random.Generator
Draw = Callable[[int, Rng], tuple[Array, Array]]


@dataclass(frozen=True)
class TwoSamples:
    """Two distributions, told apart from n rows a side."""

    name: str
    n: int
    draw: Draw


def shift(n: int, rng: Rng, *, dim: int, length: float) -> tuple[Array, Array]:
    """N(0, I) and N(t, I) with |t| = length, t along the diagonal."""
    x, y = rng.normal(size=(2, n, dim))
    return x, y + length / np.sqrt(dim)


def scale(n: int, rng: Rng, *, dim: int, factor: float) -> tuple[Array, Array]:
    """N(0, s^2 I) and N(0, I)."""
    x, y = rng.normal(size=(2, n, dim))
    return factor * x, y


def blobs(n: int, rng: Rng) -> tuple[Array, Array]:
    """Nine blobs whose correlations differ."""
    modes = rng.integers(3, size=(2, n, 2))
    covariance = np.array(
        [-0.020, -0.022, -0.024, -0.026, 0, 0.02, 0.022, 0.024, 0.026]
    )
    r = covariance[3 * modes[1, :, 0] + modes[1, :, 1]] / 0.03
    z = rng.normal(size=(2, n, 2))
    z[1, :, 1] = r * z[1, :, 0] + np.sqrt(1 - r * r) * z[1, :, 1]
    x, y = modes + np.sqrt(0.03) * z
    return x, y


def hdgm(n: int, rng: Rng, *, dim: int = 10) -> tuple[Array, Array]:
    """High-dimensional Gaussian mixtures."""
    modes = rng.integers(2, size=(2, n))
    z = rng.normal(size=(2, n, dim))
    r = np.where(modes[1] == 0, 0.5, -0.5)
    z[1, :, 1] = r * z[1, :, 0] + np.sqrt(0.75) * z[1, :, 1]
    x, y = z + 0.5 * modes[:, :, None]
    return x, y


def four(n: int, rng: Rng) -> tuple[Array, Array]:
    """Four Gaussians far apart, one of them wider under Q."""
    modes = rng.integers(2, size=(2, n, 2))
    z = rng.normal(size=(2, n, 2))
    z[1, modes[1].all(1)] *= 1.3
    x, y = z + 40.0 * modes - 20.0
    return x, y


@cache
def _digits() -> Array:
    from sklearn.datasets import load_digits

    return np.asarray(load_digits().data)


def digits(
    n: int, rng: Rng, *, share: float, change: Callable[[Array, Rng], Array]
) -> tuple[Array, Array]:
    """Digits, a share of the second side changed."""
    rows = _digits()[rng.permutation(1797)[: 2 * n]]
    x, y = rows[:n], rows[n:].copy()
    chosen = rng.random(n) < share
    y[chosen] = change(y[chosen], rng)
    return x, y


def flipped(images: Array, rng: Rng) -> Array:
    """Upside down."""
    return images.reshape(-1, 8, 8)[:, ::-1].reshape(-1, 64)


def shuffled(images: Array, rng: Rng) -> Array:
    """The pixels of each image in an order of its own."""
    return rng.permuted(images, axis=1)


PROBLEMS = (
    TwoSamples("shift 0.8, d = 1", 50, partial(shift, dim=1, length=0.8)),
    TwoSamples("shift 0.4, d = 10", 200, partial(shift, dim=10, length=0.4)),
    TwoSamples("shift 0.2, d = 10", 1000, partial(shift, dim=10, length=0.2)),
    TwoSamples("scale 1.15, d = 10", 200, partial(scale, dim=10, factor=1.15)),
    TwoSamples("blobs", 500, blobs),
    TwoSamples("blobs", 2000, blobs),
    TwoSamples("HDGM, d = 10", 2000, hdgm),
    TwoSamples("digits, 10 % flipped", 800, partial(digits, share=0.1, change=flipped)),
    TwoSamples(
        "digits, 10 % shuffled", 200, partial(digits, share=0.1, change=shuffled)
    ),
    TwoSamples("four Gaussians", 500, four),
    TwoSamples("four Gaussians", 2000, four),
    TwoSamples("four Gaussians", 3000, four),
)
