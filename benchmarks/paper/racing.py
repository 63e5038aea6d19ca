"""Races by processor seconds: how tight a critic is at times on the way."""

import time
from collections.abc import Callable, Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.paper.devices import fetched
from benchmarks.problems import Problem
from kantor.models.critic import lipschitz_bound, mapped
from kantor.models.network import Network

LOOKS = 14
"""How often the tightness is looked at, at times that grow geometrically."""

Array = NDArray[np.float64]

Curve = list[list[float]]
"""[processor seconds, share of W1, steps] of each look."""


class Stopwatch:
    """Processor seconds of the work, without those of looking at it."""

    def __init__(self) -> None:
        self._used = 0.0
        self._since = time.process_time()

    @property
    def used_s(self) -> float:
        """Processor seconds so far."""
        return self._used + time.process_time() - self._since

    def unmeasured(self, look: Callable[[], float]) -> float:
        """Return what a look finds, outside of the measured time."""
        self._used = self.used_s
        found = look()
        self._since = time.process_time()
        return found


def followed(
    critics: Iterable[Callable[[], Network]], look: Callable[[Network], float],
    watch: Stopwatch, budget_s: float,
) -> Curve:  # fmt: skip
    """Return [processor seconds, tightness, steps] at every look of a training."""
    times = looking_times(budget_s)
    curve: Curve = []
    for step, critic in enumerate(critics, start=1):
        used = watch.used_s
        if used >= times[len(curve)]:
            curve.append([used, watch.unmeasured(lambda c=critic: look(c())), step])  # type: ignore[misc]
        if len(curve) == len(times):
            break
    return curve


def looking_times(budget_s: float) -> list[float]:
    """Return when to look, the last time at the end of the budget."""
    return [float(t) for t in budget_s * np.geomspace(0.03, 1.0, LOOKS)]


def tightness(critic: Network, problem: Problem, fresh: tuple[Array, Array]) -> float:
    """Return the certified dual objective on fresh samples, as a share of W1."""
    exact = mapped(fetched(critic), Tensor.double)
    x, y = (exact(torch.tensor(side)).mean(-1) for side in fresh)
    return float((x - y) / lipschitz_bound(exact)) / problem.w1
