"""What every method that is compared returns."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """A distance, and what the method proves about W1 where it proves anything.

    Attributes:
        value: What the method takes for the distance.
        lower_bound: At most W1 between the distributions, with 95 % confidence; None
            for a method that proves none.
    """

    value: float
    lower_bound: float | None = None


Method = Callable[[Array, Array, int], Answer]
"""(x, y, seed) -> answer; a function of a module, so that a process can be told it."""
