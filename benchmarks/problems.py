"""Pairs of distributions whose W1 is known, to hold estimates against.

Each problem carries an optimal potential f beside its distance, so that
E_P f - E_Q f = W1(P, Q) can be checked on samples. `select` builds problems by name.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import exp, lgamma, pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from benchmarks.funnels import random_funnels

Array = NDArray[np.float64]
Pair = tuple[Array, Array]
Rng = np.random.Generator

TRUTH_SAMPLES = 200_000
"""Monte Carlo draws behind the distance of a funnel pair."""


@dataclass(frozen=True)
class Problem:
    """Two distributions P and Q on R^d with a known distance.

    Attributes:
        name: Unique, as used by `select`.
        dim: Number d of features.
        sample: (n, rng) -> independent samples x (n, d) of P and y (n, d) of Q.
        w1: W1(P, Q) under the Euclidean norm.
        potential: An optimal 1-Lipschitz f, (n, d) -> (n,).
        w1_error: Standard error of `w1` where it is a Monte Carlo mean.
    """

    name: str
    dim: int
    sample: Callable[[int, Rng], Pair]
    w1: float
    potential: Callable[[Array], Array]
    w1_error: float = 0.0


def cones(name: str, centers: Array) -> Problem:
    """Centers against unit spheres around them: W1 = 1 where the balls do not overlap.

    The cones of Anil, Lucas & Grosse (2019), arXiv:1811.05381: f(x) = -min |x - c|.
    """
    count, dim = centers.shape

    def sample(n: int, rng: Rng) -> Pair:
        from_, to = (centers[rng.integers(count, size=n)] for _ in range(2))
        return from_, to + directions(n, dim, rng)

    def potential(x: Array) -> Array:
        distances = np.linalg.norm(x[:, None, :] - centers, axis=2)  # (n, count)
        return np.asarray(-distances.min(1))

    return Problem(name, dim, sample, 1.0, potential)


def shift(name: str, dim: int, length: float = 1.0) -> Problem:
    """Gaussians N(0, I) and N(t, I), t along the diagonal: W1 = |t|."""
    unit = np.full(dim, 1.0 / sqrt(dim))

    def sample(n: int, rng: Rng) -> Pair:
        x, y = rng.normal(size=(2, n, dim))
        return x, y + length * unit

    return Problem(name, dim, sample, length, lambda x: -(x @ unit))


def scale(name: str, dim: int, factor: float = 2.0) -> Problem:
    """Gaussians N(0, s^2 I) and N(0, I), s > 1: W1 = (s - 1) E|z| with f = |x|.

    E|z| = sqrt(2) Gamma((d + 1) / 2) / Gamma(d / 2).
    """
    mean_norm = sqrt(2.0) * exp(lgamma((dim + 1) / 2) - lgamma(dim / 2))

    def sample(n: int, rng: Rng) -> Pair:
        x, y = rng.normal(size=(2, n, dim))
        return factor * x, y

    return Problem(name, dim, sample, (factor - 1.0) * mean_norm, length_of)


def shells(name: str, dim: int) -> Problem:
    """Uniform directions, radii uniform in [2, 4] and [1, 2]: W1 = 3 - 1.5 by f = |x|.

    Radii in stochastic order: moving along rays is optimal.
    """

    def sample(n: int, rng: Rng) -> Pair:
        outer, inner = rng.uniform(2, 4, (n, 1)), rng.uniform(1, 2, (n, 1))
        return outer * directions(n, dim, rng), inner * directions(n, dim, rng)

    return Problem(name, dim, sample, 1.5, length_of)


def mixture(name: str, dim: int, distance: float = 2.0) -> Problem:
    """(N(-a e1, I) + N(a e1, I)) / 2 against N(0, I): f = |x_1|, by symmetry.

    Features after the first can stay where they are, so W1 is that of the first, where
    the distribution functions cross at 0 only: W1 = E|N(a, 1)| - E|N(0, 1)|.
    """
    a = distance
    w1 = 2 * norm.pdf(a) + a * (2 * norm.cdf(a) - 1) - sqrt(2 / pi)

    def sample(n: int, rng: Rng) -> Pair:
        x, y = rng.normal(size=(2, n, dim))
        x[:, 0] += a * rng.choice([-1.0, 1.0], size=n)
        return x, y

    return Problem(name, dim, sample, float(w1), lambda x: np.abs(x[:, 0]))


def funnels(name: str, dim: int, count: int, *, draws: int = TRUTH_SAMPLES) -> Problem:
    """A ray-monotone pair of random funnels; W1 = E|x - y| by Monte Carlo."""
    pair = random_funnels(dim, count, seed=0)
    distances = pair.transport_lengths(draws, np.random.default_rng([1, dim, count]))
    error = float(distances.std(ddof=1) / sqrt(draws))
    w1 = float(distances.mean())
    return Problem(name, dim, pair.sample, w1, lambda x: -pair.height(x), error)


def length_of(x: Array) -> Array:
    """Return |x| of each row."""
    return np.asarray(np.linalg.norm(x, axis=1))


def directions(n: int, dim: int, rng: Rng) -> Array:
    """Draw (n, d) uniformly on the unit sphere."""
    z = rng.normal(size=(n, dim))
    return np.asarray(z / np.linalg.norm(z, axis=1, keepdims=True))


def catalog() -> dict[str, Callable[[str], Problem]]:
    """Return what builds each problem, by name; nothing is built yet."""
    from benchmarks.distance_sets import ray_problems  # which builds on this module

    builders: dict[str, Callable[[str], Problem]] = {
        "cone-1d": partial(cones, centers=np.zeros((1, 1))),
        "cones-2d": partial(cones, centers=np.array([[-2.0, 0], [0, 0], [2, 0]])),
        "cone-128d": partial(cones, centers=np.zeros((1, 128))),
    }
    for dim in (1, 2, 8, 16, 64):
        builders[f"shift-{dim}d"] = partial(shift, dim=dim)
        builders[f"scale-{dim}d"] = partial(scale, dim=dim)
        builders[f"shells-{dim}d"] = partial(shells, dim=dim)
        builders[f"mixture-{dim}d"] = partial(mixture, dim=dim)
    for dim in (2, 4, 8, 16, 32, 64, 128):
        for count in (4, 16, 64, 256):
            name = f"funnels-{dim}d-{count}"
            builders[name] = partial(funnels, dim=dim, count=count)
    return ray_problems() | builders


def select(pattern: str) -> Iterator[Problem]:
    """Build the problems whose whole name matches a regular expression, one by one.

    Raises:
        ValueError: No name matches.
    """
    chosen = [item for item in catalog().items() if re.fullmatch(pattern, item[0])]
    if not chosen:
        names = ", ".join(catalog())
        raise ValueError(f"expected a pattern matching one of {names}; got {pattern!r}")
    return (build(name) for name, build in chosen)
