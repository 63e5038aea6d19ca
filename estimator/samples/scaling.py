"""Center and scale samples for training, and undo it on the answer.

W1 is homogeneous and translation-invariant: with u = (x - c) / s for a scalar s > 0,
W1 of the x is s times W1 of the u. Any c and s are valid; they only condition training,
so they are fitted on fit samples (a part of them where there are many).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.config import Scaling

Array = NDArray[np.float64]

FIT_ROWS = 20_000
"""Fit samples of a side whose mean and scale are looked at, at most."""

FAR = 1e15


@dataclass(frozen=True)
class Scaler:
    """The map x -> (x - center) / (deviation * unit), and the unit of its answers.

    Attributes:
        center: Mean of the fit samples (d,).
        deviation: Per-feature divisor (d,): ones unless standardizing, which changes
            the metric on request.
        unit: Mean distance of the fit samples to the center (after `deviation`), the
            scalar by which answers are multiplied back.
    """

    center: Array
    deviation: Array
    unit: float

    def __call__(self, x: NDArray[np.generic]) -> Array:
        """Scale samples (n, d) in float64."""
        centered = np.asarray(x, dtype=np.float64) - self.center
        return np.asarray(centered / self.deviation / self.unit)

    def for_critic(self, x: NDArray[np.generic]) -> Array:
        """Scale samples (n, d), cut to +-`FAR`: what critics are evaluated on.

        The cut moves no two samples apart in any l_p norm, so that every certificate
        stands, and squares of what is left do not overflow in float32.
        """
        return np.clip(self(x), -FAR, FAR)

    def share_of(self, common: "Scaler") -> float:
        """Return c such that c f is 1-Lipschitz in `common`'s metric and unit.

        f is any function that is so in this scaler's: |x - y| here is at most
        max_i (common's deviation_i / this one's) times that in `common`'s metric.
        """
        stretch = float((common.deviation / self.deviation).max())
        return self.unit / common.unit / stretch


def fit_scaler(
    x: NDArray[np.generic],
    y: NDArray[np.generic],
    scaling: Scaling,
    *,
    deviation: Array | None = None,
) -> Scaler:
    """Fit center and scale on fit samples x (n, d) and y (m, d), each side alike.

    Constant features keep the divisor 1; coinciding samples keep the unit 1. A given
    `deviation` (d,), as the metric of a table has one, takes the place of `scaling`.
    """
    x64, y64 = (np.asarray(s, dtype=np.float64) for s in (x, y))
    center = 0.5 * x64.mean(0) + 0.5 * y64.mean(0)
    x64, y64 = x64 - center, y64 - center
    if deviation is None and scaling == "standardize":
        deviation = feature_deviation(x64, y64)
    if deviation is None:
        deviation = np.ones_like(center)
    else:
        x64, y64 = x64 / deviation, y64 / deviation
    unit = 0.5 * mean_norm(x64) + 0.5 * mean_norm(y64)
    return Scaler(center, deviation, unit if unit > 0.0 else 1.0)


def feature_deviation(x: Array, y: Array) -> Array:
    """Return the root mean square (d,) of centered samples; 1 where it is zero."""
    largest = np.maximum(np.abs(x).max(0), np.abs(y).max(0))
    largest[largest == 0.0] = 1.0
    mean_square = 0.5 * ((x / largest) ** 2).mean(0) + 0.5 * ((y / largest) ** 2).mean(
        0
    )
    return np.asarray(np.where(mean_square > 0.0, largest * np.sqrt(mean_square), 1.0))


def mean_norm(x: Array) -> float:
    """Return the mean Euclidean norm of rows, safe from overflow."""
    largest = float(np.abs(x).max(initial=0.0))
    if largest == 0.0:
        return 0.0
    return largest * float(np.linalg.norm(x / largest, axis=1).mean())
