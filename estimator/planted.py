"""A difference planted in the user's own data, of which the distance is known.

Take rows y of the data, flats S_k through it, and u = min_k dist(., S_k). Moving y
along its ray towards the nearest flat by s, at most its distance, gives x with
u(y) - u(x) = |y - x| = s. u is 1-Lipschitz, so that W1 of the laws of x and y is E s
exactly (the construction of funnels, Korotin et al. 2022, arXiv:2206.07767, with flats
in place of points). How much of it an estimation finds tells how much it would find of
a difference of this size and shape in data like these; of others it proves nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.samples.pair import MIN_SAMPLES

Array = NDArray[np.float64]

FLATS = 4
MOST_ROWS = 20_000
"""Rows of the data that take part, half on each side."""

FINDABLE = 3.0
"""Multiple of the detectable distance that is planted where less was found. A share of
less would be noise: where nothing is found critics are often flatter than others, and
their detectable distance small."""

LARGEST_SHARE = 0.9
"""Of the way to the flats, at most: the planted distance is no larger."""

_BISECTIONS = 60


@dataclass(frozen=True)
class Flat:
    """The affine subspace {x : A (x - a) = 0}: a point, a line, ..., a hyperplane.

    Attributes:
        point: a (d,), any point of it.
        normals: A (r, d), orthonormal; r is the codimension.
    """

    point: Array
    normals: Array

    def offset(self, y: Array) -> Array:
        """Return rows minus the nearest points of the flat, (n, d) -> (n, d)."""
        return np.asarray((y - self.point) @ self.normals.T @ self.normals)

    def nearest(self, y: Array) -> Array:
        """Subtract what is normal to the flat."""
        return np.asarray(y - self.offset(y))


@dataclass(frozen=True)
class Planted:
    """Two samples of laws whose W1 is known.

    Attributes:
        x: Rows (n, d), moved.
        y: Other rows (m, d), as they are.
        distance: Mean of |y - x| over all rows, which W1 is to within sampling error.
    """

    x: Array
    y: Array
    distance: float


def rows_a_side(n: int) -> int:
    """Return how many rows of n stand on each side of a planted difference."""
    return min(n, MOST_ROWS) // 2


def planted_in(rows: Array, size: float, rng: np.random.Generator) -> Planted | None:
    """Plant a difference of about a size; None where the rows are too few or alike.

    Args:
        rows: Data (n, d), in the metric that is asked about.
        size: W1 that is wanted; no more than the rows are apart is given.
        rng: Draws the flats, and which rows move.
    """
    rows = rows[rng.permutation(len(rows))[:MOST_ROWS]]
    if len(rows) < 2 * MIN_SAMPLES:
        return None
    offsets = _nearest_offsets(rows, rng)
    lengths = np.linalg.norm(offsets, axis=1)
    if lengths.mean() <= 0.0:
        return None
    longest = _longest(lengths, min(size, LARGEST_SHARE * float(lengths.mean())))
    moves = np.minimum(lengths, longest)
    moved = rows - offsets * (moves / np.maximum(lengths, 1e-300))[:, None]
    half = rows_a_side(len(rows))
    return Planted(moved[:half], rows[half:], float(moves.mean()))


def _nearest_offsets(rows: Array, rng: np.random.Generator) -> Array:
    """Return y minus the nearest point of the nearest of random flats (n, d)."""
    offsets = np.zeros_like(rows)
    shortest = np.full(len(rows), np.inf)
    for _ in range(FLATS):
        normals = _normals(rows.shape[1], rng)
        offset = Flat(rows[rng.integers(len(rows))], normals).offset(rows)
        lengths = np.linalg.norm(offset, axis=1)
        nearer = lengths < shortest
        offsets[nearer], shortest[nearer] = offset[nearer], lengths[nearer]
    return offsets


def _normals(dim: int, rng: np.random.Generator) -> Array:
    """Return orthonormal rows (r, d), r a random power of 2 up to d."""
    codimension = 2 ** int(rng.integers(dim.bit_length()))
    return np.asarray(np.linalg.qr(rng.normal(size=(dim, codimension)))[0].T)


def _longest(lengths: Array, wanted: float) -> float:
    """Return t with mean min(length, t) = wanted, by bisection."""
    low, high = 0.0, float(lengths.max())
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        short = np.minimum(lengths, middle).mean() < wanted
        low, high = (middle, high) if short else (low, middle)
    return high
