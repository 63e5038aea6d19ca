"""Problems of known W1 that no family of critics is at home in: rows moved along rays.

Rows of a cube, of Gaussians, of heavy tails, of handwritten digits move towards flats,
planes, spheres, sparse vectors or low-rank matrices, or downhill on a random network;
see `benchmarks.rays`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import sqrt

import numpy as np
from sklearn.datasets import load_digits

from benchmarks.closed_sets import (
    Array,
    ClosedSet,
    DistanceToSets,
    LowRankMatrices,
    SparseVectors,
    Sphere,
)
from benchmarks.problems import TRUTH_SAMPLES, Problem, directions
from benchmarks.rays import (
    Draw,
    OrthonormalNetwork,
    RayPair,
    Rng,
    Travel,
    at_most,
    fixed_share,
    uniform_share,
)
from kantor.estimator.planted import Flat

HALF_SIDE = 2.5
DEGREES_OF_FREEDOM = 3
PIXEL_NOISE = 0.5


def cube(dim: int, n: int, rng: Rng) -> Array:
    """Draw uniformly in [-HALF_SIDE, HALF_SIDE]^d."""
    return rng.uniform(-HALF_SIDE, HALF_SIDE, size=(n, dim))


def gaussian(dim: int, n: int, rng: Rng) -> Array:
    """Draw from N(0, I)."""
    return rng.normal(size=(n, dim))


def heavy_tailed(dim: int, n: int, rng: Rng) -> Array:
    """Draw independent entries of Student's t."""
    return rng.standard_t(DEGREES_OF_FREEDOM, size=(n, dim))


def correlated(dim: int, n: int, rng: Rng) -> Array:
    """Draw from N(0, diag(1, 1/2, 1/3, ...)): few features carry most."""
    return rng.normal(size=(n, dim)) / np.sqrt(np.arange(1, dim + 1))


def digits(n: int, rng: Rng) -> Array:
    """Draw handwritten digits of 8 x 8 pixels in [0, 16], with noise in each pixel."""
    images = load_digits().data
    noise = rng.normal(scale=PIXEL_NOISE, size=(n, images.shape[1]))
    return np.asarray(images[rng.integers(len(images), size=n)] + noise)


def random_flat(point: Array, codimension: int, rng: Rng) -> Flat:
    """Return a flat through a point, uniform in its direction."""
    frame, _ = np.linalg.qr(rng.normal(size=(len(point), codimension)))
    return Flat(point, frame.T)


def flats(
    name: str,
    draw: Draw,
    codimensions: Sequence[int],
    travel: Travel = uniform_share,
    *,
    seed: int = 0,
) -> Problem:
    """Rows moved towards flats, one of each codimension, through rows of the data."""
    rng = np.random.default_rng([seed, *codimensions])
    points = draw(len(codimensions), rng)
    sets = [random_flat(a, r, rng) for a, r in zip(points, codimensions, strict=True)]
    return to_sets(name, draw, sets, travel)


def planes(
    name: str, draw: Draw, count: int, travel: Travel = uniform_share, *, seed: int = 0
) -> Problem:
    """Rows moved towards hyperplanes: the difference hides in `count` projections."""
    return flats(name, draw, [1] * count, travel, seed=seed)


def spheres(
    name: str, draw: Draw, count: int, travel: Travel = uniform_share, *, seed: int = 0
) -> Problem:
    """Rows moved towards spheres around rows, of half the median distance of rows."""
    rng = np.random.default_rng([seed, count])
    centers, others = draw(count, rng), draw(1000, rng)
    radius = np.median(np.linalg.norm(others - centers[0], axis=1)) / 2
    return to_sets(name, draw, [Sphere(c, float(radius)) for c in centers], travel)


def sparse_vectors(
    name: str, draw: Draw, count: int, travel: Travel = uniform_share, *, seed: int = 0
) -> Problem:
    """Rows moved towards the vectors with `count` entries other than the mean's."""
    center = draw(1000, np.random.default_rng(seed)).mean(0)
    return to_sets(name, draw, [SparseVectors(center, count)], travel)


def low_rank(
    name: str, draw: Draw, rank: int, travel: Travel = uniform_share, *, seed: int = 0
) -> Problem:
    """Rows, as square matrices, moved towards the mean plus matrices of a rank."""
    center = draw(1000, np.random.default_rng(seed)).mean(0)
    side = round(sqrt(len(center)))
    return to_sets(name, draw, [LowRankMatrices(center, (side, side), rank)], travel)


def to_sets(
    name: str, draw: Draw, sets: Sequence[ClosedSet], travel: Travel
) -> Problem:
    """Return the distance-to-set pair of these sets, without offsets."""
    potential = DistanceToSets(tuple(sets), np.zeros(len(sets)))
    return along_rays(name, RayPair(potential, draw, travel))


def network(
    name: str, draw: Draw, depth: int, group_size: int, *, seed: int = 0
) -> Problem:
    """Rows moved downhill on a random orthonormal GroupSort network."""
    rng = np.random.default_rng([seed, depth, group_size])
    z = draw(1000, rng)
    dim, weights, biases = z.shape[1], [], []
    for _ in range(depth):
        frame, _ = np.linalg.qr(rng.normal(size=(dim, dim)))
        z = z @ frame.T
        weights.append(frame)
        biases.append(rng.normal(size=dim) * z.std(0) - z.mean(0))
        z = np.sort((z + biases[-1]).reshape(len(z), -1, group_size), axis=2)
        z = z.reshape(-1, dim)
    last = directions(1, dim, rng)[0]
    potential = OrthonormalNetwork(tuple(weights), tuple(biases), last, group_size)
    return along_rays(name, RayPair(potential, draw, partial(fixed_share, 0.95)))


def along_rays(name: str, pair: RayPair) -> Problem:
    """Return the problem of a pair; its W1 is the mean distance moved."""
    rng = np.random.default_rng(1)
    x, y = pair.pairs(TRUTH_SAMPLES // 4, rng)
    moved = np.linalg.norm(x - y, axis=1)
    return Problem(
        name,
        x.shape[1],
        pair.sample,
        float(moved.mean()),
        lambda rows: -pair.potential.height(rows),
        float(moved.std(ddof=1) / sqrt(len(moved))),
    )


def ray_problems() -> dict[str, Callable[[str], Problem]]:
    """Return what builds each problem, by name, for `benchmarks.problems.catalog`."""
    cube4, cube16, cube32, cube64 = (partial(cube, d) for d in (4, 16, 32, 64))
    normal16, normal64 = (partial(gaussian, d) for d in (16, 64))
    return {
        "flats-4d": partial(flats, draw=cube4, codimensions=[2] * 6),
        "flats-16d": partial(flats, draw=cube16, codimensions=[8] * 8),
        "flats-16d-thin": partial(flats, draw=normal16, codimensions=[4] * 4),
        "flats-32d-all": partial(
            flats, draw=cube32, codimensions=[1, 2, 4, 8, 16, 24, 32]
        ),
        "flats-64d": partial(flats, draw=cube64, codimensions=[16] * 4),
        "flats-64d-short": partial(
            flats,
            draw=normal64,
            codimensions=[32] * 4,
            travel=partial(at_most, 1.0),
        ),
        "flats-128d": partial(
            flats, draw=partial(gaussian, 128), codimensions=[64] * 4
        ),
        "flats-16d-many": partial(flats, draw=cube16, codimensions=[3] * 16),
        "flats-64d-many": partial(flats, draw=cube64, codimensions=[6] * 12),
        "flats-digits": partial(flats, draw=digits, codimensions=[16] * 8),
        "planes-8d": partial(planes, draw=partial(gaussian, 8), count=5),
        "planes-32d": partial(planes, draw=cube32, count=3),
        "planes-64d": partial(planes, draw=normal64, count=8),
        "planes-heavy": partial(planes, draw=partial(heavy_tailed, 16), count=4),
        "spheres-16d": partial(spheres, draw=normal16, count=5),
        "sparse-32d": partial(sparse_vectors, draw=partial(heavy_tailed, 32), count=4),
        "low-rank-digits": partial(low_rank, draw=digits, rank=2),
        "low-rank-36d": partial(low_rank, draw=partial(gaussian, 36), rank=2),
        "network-16d": partial(network, draw=normal16, depth=3, group_size=2),
        "network-32d": partial(network, draw=cube32, depth=2, group_size=4),
        "network-64d": partial(network, draw=normal64, depth=2, group_size=8),
    }
