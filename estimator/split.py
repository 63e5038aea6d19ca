"""Split one side's samples into fit, validation and test, at random.

Training sees fit, every choice (when to stop, which critic, the clamp range) sees fit
and validation, and the chosen critic alone meets test, once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]

FIT_FRACTION = 0.6
VALIDATION_FRACTION = 0.15


@dataclass(frozen=True)
class Split:
    """Row indices of the three parts, disjoint, each in random order."""

    fit: Indices
    validation: Indices
    test: Indices


def random_split(n: int, rng: np.random.Generator) -> Split:
    """Split n rows by `FIT_FRACTION` and `VALIDATION_FRACTION`; the rest is test."""
    order = rng.permutation(n)
    fit_end = round(n * FIT_FRACTION)
    validation_end = fit_end + round(n * VALIDATION_FRACTION)
    return Split(order[:fit_end], order[fit_end:validation_end], order[validation_end:])
