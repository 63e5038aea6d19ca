"""Ray-monotone pairs of distributions on random funnels, with W1 known.

After Korotin, Kolesov & Burnaev (2022), arXiv:2206.07767. The lower envelope of N cones

    u(x) = min_k |x - a_k| + b_k

is 1-Lipschitz. Q is uniform on a cube; P arises by moving each point y of Q along the
ray from the center of its cone, towards that center, by an increasing map of the ray
onto itself. Points that move along rays of u by |x - y| = u(y) - u(x) move optimally:
W1(P, Q) = E|x - y|, and -u is an optimal potential.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

Array = NDArray[np.float64]
Rng = np.random.Generator

HALF_SIDE = 2.5
"""Q is uniform on [-HALF_SIDE, HALF_SIDE]^d."""

POWER = 8
"""A point at share t of its ray moves to share t^POWER."""

_ROWS = 8192


@dataclass(frozen=True)
class Funnels:
    """N cones with centers a (N, d) and offsets b (N,)."""

    centers: Array
    offsets: Array

    def height(self, x: Array) -> Array:
        """Return u of points (n, d) -> (n,)."""
        return np.asarray((cdist(x, self.centers) + self.offsets).min(1))

    def pairs(self, n: int, rng: Rng) -> tuple[Array, Array]:
        """Draw optimally coupled pairs: row i of x moves to row i of y."""
        dim = self.centers.shape[1]
        y = rng.uniform(-HALF_SIDE, HALF_SIDE, size=(n, dim))
        chunks = [self.move(y[row : row + _ROWS]) for row in range(0, n, _ROWS)]
        return np.concatenate(chunks), y

    def sample(self, n: int, rng: Rng) -> tuple[Array, Array]:
        """Draw independent samples x (n, d) of P and y (n, d) of Q."""
        x, _ = self.pairs(n, rng)
        return x, rng.uniform(-HALF_SIDE, HALF_SIDE, size=x.shape)

    def transport_lengths(self, n: int, rng: Rng) -> Array:
        """Draw |x - y| (n,) of the optimal coupling, chunk by chunk."""
        chunks = []
        for start in range(0, n, _ROWS):
            x, y = self.pairs(min(_ROWS, n - start), rng)
            chunks.append(np.linalg.norm(x - y, axis=1))
        return np.concatenate(chunks)

    def move(self, y: Array) -> Array:
        """Move points (n, d) of Q along their rays to points of P."""
        heights = cdist(y, self.centers) + self.offsets  # (n, N)
        nearest = heights.argmin(1)
        low = self.centers[nearest]
        length = np.linalg.norm(y - low, axis=1)
        ray = (y - low) / length[:, None]
        whole = length + self.room(y, ray, nearest)
        share = (length / whole) ** POWER
        return np.asarray(low + (share * whole)[:, None] * ray)

    def room(self, y: Array, ray: Array, nearest: NDArray[np.intp]) -> Array:
        """Return how far y (n, d) can go along its ray (n, d) within cube and cone.

        It leaves its cone for cone k at distance r where |y + r v - a_k| + b_k =
        u(y) + r, that is with h = u(y) - b_k at
        r = (|y - a_k|^2 - h^2) / (2 (h - <y - a_k, v>)), if r > 0 and r > -h.
        """
        rows = np.arange(len(y))
        distances = cdist(y, self.centers)  # (n, N)
        height = distances[rows, nearest] + self.offsets[nearest]
        h = height[:, None] - self.offsets
        along = (y * ray).sum(1)[:, None] - ray @ self.centers.T
        with np.errstate(divide="ignore", invalid="ignore"):
            to_wall = np.abs((np.sign(ray) * HALF_SIDE - y) / ray).min(1)
            r = 0.5 * (distances**2 - h**2) / (h - along)
        r[rows, nearest] = np.inf  # 0 / 0: a ray never leaves for its own cone
        to_edge = np.where((r > 0) & (r > -h), r, np.inf).min(1)
        return np.asarray(np.minimum(to_wall, to_edge))


def random_funnels(dim: int, count: int, *, seed: int) -> Funnels:
    """Draw centers uniformly in the cube and offsets from N(0, 0.1^2)."""
    rng = np.random.default_rng([seed, dim, count])
    centers = rng.uniform(-HALF_SIDE, HALF_SIDE, size=(count, dim))
    return Funnels(centers, 0.1 * rng.normal(size=count))
