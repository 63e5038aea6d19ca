"""Optimizers: how parameters move along the gradients of the dual objective.

An optimizer keeps a `memory` of plain tensors: sets of moving averages, each of them
shaped as the parameters. It never mixes members of a batch; each member has its own
step size.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from kantor.models.orthonormal import polar_factor, tangent

Tensors = tuple[Tensor, ...]


class Optimizer(Protocol):
    """One rule of ascent."""

    def initial_memory(self, parameters: Tensors) -> Tensors:
        """Return the moving averages before the first step."""

    def step(
        self,
        parameters: Tensors,
        memory: Tensors,
        gradients: Tensors,
        *,
        step: int,
        rates: Tensor,
        n_weights: int = 0,
    ) -> tuple[Tensors, Tensors]:
        """Return parameters and memory after one step at rates (K, 1, 1).

        The first `n_weights` parameters are matrices that a constraint keeps to norm 1.
        """


def zeros_like(parameters: Tensors, times: int = 1) -> Tensors:
    """Return `times` sets of zeros in the shapes of the parameters."""
    return tuple(torch.zeros_like(p) for p in parameters * times)


@dataclass(frozen=True)
class SpectralAscent:
    """Steepest ascent under the spectral norm, along the Stiefel manifold.

    Momentum of the gradient, projected to the tangent space; its polar factor, by a few
    Polar Express iterations, as the direction. Biases, which have one row, move along
    their normalized momentum.
    """

    momentum: float = 0.9
    iterations: int = 5

    def initial_memory(self, parameters: Tensors) -> Tensors:
        """Start from zero momentum."""
        return zeros_like(parameters)

    def step(
        self,
        parameters: Tensors,
        memory: Tensors,
        gradients: Tensors,
        *,
        step: int,
        rates: Tensor,
        n_weights: int = 0,
    ) -> tuple[Tensors, Tensors]:
        """Move weights by `rates` in spectral norm, biases in l2 norm."""
        memory = tuple(
            torch.lerp(m, g, 1.0 - self.momentum)
            for m, g in zip(memory, gradients, strict=True)
        )
        moved = tuple(
            p + rates * (self._direction(p, m) if i < n_weights else _unit(m))
            for i, (p, m) in enumerate(zip(parameters, memory, strict=True))
        )
        return moved, memory

    def _direction(self, w: Tensor, momentum: Tensor) -> Tensor:
        return polar_factor(tangent(w, momentum), iterations=self.iterations)


def _unit(m: Tensor) -> Tensor:
    return torch.nn.functional.normalize(m, dim=-1)


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015, arXiv:1412.6980), with a step size factor a parameter."""

    beta1: float = 0.9
    beta2: float = 0.99
    epsilon: float = 1e-8
    factors: tuple[float, ...] | None = None

    def initial_memory(self, parameters: Tensors) -> Tensors:
        """Start from zero first and second moments."""
        return zeros_like(parameters, 2)

    def step(
        self,
        parameters: Tensors,
        memory: Tensors,
        gradients: Tensors,
        *,
        step: int,
        rates: Tensor,
        n_weights: int = 0,
    ) -> tuple[Tensors, Tensors]:
        """Move by the bias-corrected first moment over the root of the second."""
        count = len(gradients)
        first = tuple(
            torch.lerp(m, g, 1.0 - self.beta1)
            for m, g in zip(memory[:count], gradients, strict=True)
        )
        second = tuple(
            torch.lerp(v, g.square(), 1.0 - self.beta2)
            for v, g in zip(memory[count:], gradients, strict=True)
        )
        growth = 1.0 - self.beta1 ** (step + 1)
        root_growth = math.sqrt(1.0 - self.beta2 ** (step + 1))
        moved = tuple(
            p + rates * factor * (m / growth) / (v.sqrt() / root_growth + self.epsilon)
            for p, m, v, factor in zip(
                parameters, first, second, self.factors or (1.0,) * count, strict=True
            )
        )
        return moved, (*first, *second)


@dataclass(frozen=True)
class BlockAscent:
    """Blocks of rows move as wholes, the other parameters by Adam.

    A block of the constrained weights moves along the polar factor of its momentum, so
    that all its directions turn alike: by `reach` times the rate in spectral norm.
    """

    rank: int
    adam: Adam
    reach: float = 14.0
    momentum: float = 0.9
    iterations: int = 5

    def initial_memory(self, parameters: Tensors) -> Tensors:
        """Start from Adam's memory; the weights leave their second moment at 0."""
        return self.adam.initial_memory(parameters)

    def step(
        self,
        parameters: Tensors,
        memory: Tensors,
        gradients: Tensors,
        *,
        step: int,
        rates: Tensor,
        n_weights: int = 0,
    ) -> tuple[Tensors, Tensors]:
        """Move the one weight by blocks, the others as Adam does."""
        momentum = torch.lerp(memory[0], gradients[0], 1.0 - self.momentum)
        shape = momentum.shape
        blocks = momentum.reshape(*shape[:-2], -1, self.rank, shape[-1])
        turned = polar_factor(blocks, iterations=self.iterations).reshape(shape)
        count = len(gradients)
        others, rest = self.adam.step(
            parameters[1:], memory[1:count] + memory[count + 1 :], gradients[1:],
            step=step, rates=rates,
        )  # fmt: skip
        first, second = rest[: count - 1], rest[count - 1 :]
        moved = (parameters[0] + self.reach * rates * turned, *others)
        return moved, (momentum, *first, memory[count], *second)


@dataclass(frozen=True)
class AggMo:
    """Aggregated momentum: the mean of several velocities, damped differently.

    Lucas, Sun, Zemel & Grosse (2019), arXiv:1804.00325. One damping of 0.9 is SGD with
    (heavy ball) momentum.
    """

    dampings: tuple[float, ...] = (0.0, 0.9, 0.99)

    def initial_memory(self, parameters: Tensors) -> Tensors:
        """Start from zero velocities."""
        return zeros_like(parameters, len(self.dampings))

    def step(
        self,
        parameters: Tensors,
        memory: Tensors,
        gradients: Tensors,
        *,
        step: int,
        rates: Tensor,
        n_weights: int = 0,
    ) -> tuple[Tensors, Tensors]:
        """Add each damped velocity's share to the parameters."""
        count = len(gradients)
        velocities = tuple(
            self.dampings[i // count] * v + gradients[i % count]
            for i, v in enumerate(memory)
        )
        moved = tuple(
            p + rates * torch.stack(velocities[i::count]).mean(0)
            for i, p in enumerate(parameters)
        )
        return moved, velocities


OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {
    "manifold": SpectralAscent,
    "adam": Adam,
    "sgd": lambda: AggMo(dampings=(0.9,)),
    "aggmo": AggMo,
}
