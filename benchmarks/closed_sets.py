"""Closed sets of R^d that know their nearest points, and the distance to several.

    u(x) = min_k dist(x, S_k) + b_k

falls at rate 1 along the ray from any row to the nearest point of the set that attains
it, up to that point, since no u falls faster. Points give the funnels of
`benchmarks.funnels`; flats, spheres, sparse vectors and low-rank matrices do not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Pair = tuple[Array, Array]

_ROWS = 8192


class ClosedSet(Protocol):
    """A closed set of R^d that knows the nearest of its points."""

    def nearest(self, y: Array) -> Array:
        """Return a nearest point of the set to each row, (n, d) -> (n, d)."""


@dataclass(frozen=True)
class Sphere:
    """The points at distance `radius` from `center` (d,)."""

    center: Array
    radius: float

    def nearest(self, y: Array) -> Array:
        """Move along the radius."""
        ray = y - self.center
        length = np.linalg.norm(ray, axis=1, keepdims=True)
        return np.asarray(self.center + self.radius / length * ray)


@dataclass(frozen=True)
class SparseVectors:
    """The vectors with at most `count` entries other than those of `center` (d,)."""

    center: Array
    count: int

    def nearest(self, y: Array) -> Array:
        """Keep the largest deviations."""
        ray = y - self.center
        kept = np.argpartition(np.abs(ray), -self.count, axis=1)[:, -self.count :]
        sparse = np.zeros_like(ray)
        np.put_along_axis(sparse, kept, np.take_along_axis(ray, kept, 1), 1)
        return np.asarray(self.center + sparse)


@dataclass(frozen=True)
class LowRankMatrices:
    """The matrices of a shape, as rows, that differ from `center` by a low rank."""

    center: Array
    shape: tuple[int, int]
    rank: int

    def nearest(self, y: Array) -> Array:
        """Keep the largest singular values of the deviation (Eckart & Young 1936)."""
        u, s, v = np.linalg.svd(
            (y - self.center).reshape(-1, *self.shape), full_matrices=False
        )
        low = (u[..., : self.rank] * s[:, None, : self.rank]) @ v[:, : self.rank]
        return np.asarray(self.center + low.reshape(y.shape))


@dataclass(frozen=True)
class DistanceToSets:
    """u = min_k dist(., S_k) + b_k."""

    sets: tuple[ClosedSet, ...]
    offsets: Array

    def height(self, x: Array) -> Array:
        """Return u of rows (n, d) -> (n,)."""
        return np.concatenate([self._nearest(rows)[0] for rows in chunks(x)])

    def rays(self, y: Array) -> Pair:
        """Return grad u (n, d) and how far it may be followed downhill (n,)."""
        _, feet = self._nearest(y)
        ray = y - feet
        length = np.linalg.norm(ray, axis=1)
        return ray / np.maximum(length, np.finfo(float).tiny)[:, None], length

    def _nearest(self, y: Array) -> Pair:
        """Return u (n,) and the nearest point (n, d) of the set that attains it."""
        feet = np.stack([each.nearest(y) for each in self.sets])  # (K, n, d)
        heights = np.linalg.norm(feet - y, axis=2) + self.offsets[:, None]
        best = heights.argmin(0)
        rows = np.arange(len(y))
        return heights[best, rows], feet[best, rows]


def chunks(x: Array) -> Iterator[Array]:
    """Yield consecutive rows, few enough at a time for every set to hold them."""
    return (x[row : row + _ROWS] for row in range(0, len(x), _ROWS))
