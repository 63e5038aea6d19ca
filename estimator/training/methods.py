"""Training methods: a constraint and an optimizer together, or cones free of any.

A method answers three questions: what memory to start with, which critic the raw
parameters mean, and what one step changes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from torch import Tensor

from kantor.estimator.config import EstimateConfig
from kantor.estimator.training.optimizers import OPTIMIZERS, Adam, Optimizer, Tensors
from kantor.models.cones import Cones
from kantor.models.constraints import (
    Bjorck,
    Constraint,
    Free,
    Parseval,
    RowBalls,
    Spectral,
    Stiefel,
    StiefelProjection,
)
from kantor.models.critic import C
from kantor.models.network import Network

CONE_RATES = (0.01, 0.03)
"""Competing step sizes of cones, as shares of the data's spread."""


@dataclass(frozen=True)
class Method(Generic[C]):
    """An optimizer moves the parameters, a constraint says what they mean."""

    constraint: Constraint[C]
    optimizer: Optimizer

    def initial_memory(self, parameters: C) -> Tensors:
        """Return the optimizer's memory before the first step."""
        return self.optimizer.initial_memory(parameters.tensors())

    def effective(self, parameters: C) -> C:
        """Return the critic that is evaluated, differentiable in the parameters."""
        return self.constraint.effective(parameters)

    def step(
        self, parameters: C, memory: Tensors, gradients: Tensors, *, step: int,
        rates: Tensor,
    ) -> tuple[C, Tensors]:  # fmt: skip
        """Take one ascent step at rates (K, 1, 1), then restore the constraint."""
        moved, memory = self.optimizer.step(
            parameters.tensors(), memory, gradients, step=step, rates=rates
        )
        return self.constraint.restored(parameters.with_tensors(moved)), memory


def network_method(config: EstimateConfig) -> Method[Network]:
    """Return the method that a configuration asks for."""
    constraints: dict[str, Callable[[], Constraint[Network]]] = {
        "stiefel": Stiefel if config.chosen_optimizer == "manifold"
        else StiefelProjection,
        "bjorck": lambda: Bjorck(config.bjorck_order, config.bjorck_iterations),
        "spectral": Spectral,
        "parseval": Parseval,
        "l1": lambda: RowBalls("linf"),
        "mixed": lambda: RowBalls("mixed"),
    }  # fmt: skip
    return Method(
        constraints[config.chosen_constraint](), OPTIMIZERS[config.chosen_optimizer]()
    )


def cone_method(dim: int) -> Method[Cones]:
    """Return the method for cones of d features.

    Samples have norm about 1, so that a coordinate spreads by d^(-1/2): centers move at
    this share of the rate of offsets and log-temperatures.
    """
    return Method(Free(), Adam(factors=(dim**-0.5, 1.0, 1.0)))
