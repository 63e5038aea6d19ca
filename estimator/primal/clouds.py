"""Weighted samples, read a few rows at a time, and a low-dimensional shadow of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.samples.scaling import Scaler

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Shadow = NDArray[np.float32]

CHUNK_ROWS = 8192

SHADOW_DIM = 16
"""Most features of a shadow: 64 MB for a million samples."""

_BASIS_ROWS = 2048

_FAR = 1e30
"""Where shadows end, so that float32 holds sums of them."""


@dataclass(frozen=True)
class Cloud:
    """A weighted sample in scaled units; possibly memory-mapped, never copied whole.

    Attributes:
        samples: Rows (n, d) as they were given.
        scaler: Applied to the rows that are read.
        weights: Masses (n,) >= 0 of sum 1.
    """

    samples: NDArray[np.generic]
    scaler: Scaler
    weights: Array

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def dim(self) -> int:
        """Number of features."""
        return int(self.samples.shape[1])

    def rows(self, indices: Indices | slice) -> Array:
        """Return scaled rows in float64."""
        return self.scaler(self.samples[indices])

    def chunks(self) -> Iterator[Array]:
        """Yield all scaled rows in order, some thousand at a time."""
        for start in range(0, len(self), CHUNK_ROWS):
            yield self.rows(slice(start, start + CHUNK_ROWS))


def cloud(
    samples: NDArray[np.generic], scaler: Scaler, weights: Array | None = None
) -> Cloud:
    """Return a cloud; uniform where no weights are given."""
    if weights is None:
        weights = np.full(len(samples), 1.0 / len(samples))
    return Cloud(samples, scaler, weights)


def shadows(
    source: Cloud, target: Cloud, rng: np.random.Generator
) -> tuple[Shadow, Shadow]:
    """Project both clouds, centered, to the same at most `SHADOW_DIM` features.

    Where there are more features, these are directions in which a part of the pooled
    samples spreads most (a step of subspace iteration from a random start). Shadows
    only say what lies near what; no cost is computed from them.
    """
    pooled = np.concatenate([_some_rows(side, rng) for side in (source, target)])
    center = pooled.mean(0)
    basis = np.eye(source.dim)
    if source.dim > SHADOW_DIM:
        pooled -= center
        start = rng.normal(size=(source.dim, SHADOW_DIM))
        basis = np.linalg.qr(pooled.T @ (pooled @ start))[0]

    def shadow(side: Cloud) -> Shadow:
        whole, end = np.empty((len(side), basis.shape[1]), dtype=np.float32), 0
        for u in side.chunks():
            start, end = end, end + len(u)
            np.clip((u - center) @ basis, -_FAR, _FAR, out=whole[start:end])
        return whole

    return shadow(source), shadow(target)


def _some_rows(side: Cloud, rng: np.random.Generator) -> Array:
    count = min(len(side), _BASIS_ROWS)
    return side.rows(np.sort(rng.choice(len(side), count, replace=False)))
