"""Training methods: how parameters move, and which critic they stand for.

A method keeps `parameters` (a `Critic` of raw tensors) and a `memory` (its moving
averages), both plain tensors, and answers three questions: what memory to start with,
which norm-constrained critic the parameters mean, and what one step changes.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from estimator.config import EstimateConfig
from models.critic import Critic
from models.orthonormal import bjorck, polar_factor, retract, safe_scaled, tangent

Memory = tuple[Tensor, ...]
Gradients = tuple[Tensor, ...]


class Method(Protocol):
    """One way of training norm-constrained critics."""

    @property
    def default_learning_rate(self) -> float:
        """Return the step size to use where none is set."""

    def initial_memory(self, parameters: Critic) -> Memory:
        """Return the moving averages before the first step."""

    def effective(self, parameters: Critic) -> Critic:
        """Return the critic that is evaluated, differentiable in the parameters."""

    def step(
        self,
        parameters: Critic,
        memory: Memory,
        gradients: Gradients,
        *,
        step: int,
        learning_rate: float,
    ) -> tuple[Critic, Memory]:
        """Take one ascent step along the gradients of the dual objective."""


@dataclass(frozen=True)
class ManifoldAscent:
    """Steepest ascent under the spectral norm on the Stiefel manifold.

    Momentum of the gradient, projected to the tangent space; its polar factor as the
    direction; a step; two Newton-Schulz steps back to the manifold. No gradient flows
    through any of it, so a step costs little more than the network's own two passes.
    Biases move along their normalized momentum.
    """

    momentum: float = 0.9
    direction_iterations: int = 5
    default_learning_rate: float = 0.05

    def initial_memory(self, parameters: Critic) -> Memory:
        """Start from zero momentum."""
        return tuple(torch.zeros_like(p) for p in parameters.tensors())

    def effective(self, parameters: Critic) -> Critic:
        """Return the parameters themselves: they never leave the manifold."""
        return parameters

    def step(
        self,
        parameters: Critic,
        memory: Memory,
        gradients: Gradients,
        *,
        step: int,
        learning_rate: float,
    ) -> tuple[Critic, Memory]:
        """Move weights by `learning_rate` in spectral norm, biases in l2 norm."""
        memory = tuple(
            torch.lerp(m, g, 1.0 - self.momentum)
            for m, g in zip(memory, gradients, strict=True)
        )
        layers = len(parameters.weights)
        weights = tuple(
            self._moved(w, m, learning_rate)
            for w, m in zip(parameters.weights, memory[:layers], strict=True)
        )
        biases = tuple(
            b + learning_rate * torch.nn.functional.normalize(m, dim=-1)
            for b, m in zip(parameters.biases, memory[layers:], strict=True)
        )
        return replace(parameters, weights=weights, biases=biases), memory

    def _moved(self, w: Tensor, momentum: Tensor, learning_rate: float) -> Tensor:
        direction = polar_factor(
            tangent(w, momentum), iterations=self.direction_iterations
        )
        return retract(w + learning_rate * direction).contiguous()


@dataclass(frozen=True)
class BjorckAdam:
    """The paper's method: Adam through differentiable Björck iterations.

    Anil, Lucas & Grosse (2019), arXiv:1811.05381, section 4.2; Adam: Kingma & Ba
    (2015), arXiv:1412.6980.
    """

    order: int = 1
    iterations: int = 20
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    default_learning_rate: float = 0.005

    def initial_memory(self, parameters: Critic) -> Memory:
        """Start from zero first and second moments."""
        return tuple(torch.zeros_like(p) for p in parameters.tensors() * 2)

    def effective(self, parameters: Critic) -> Critic:
        """Orthonormalize every weight; the last row is divided by its norm."""
        hidden = tuple(
            bjorck(safe_scaled(w), iterations=self.iterations, order=self.order)
            for w in parameters.weights[:-1]
        )
        last = torch.nn.functional.normalize(parameters.weights[-1], dim=-1)
        return replace(parameters, weights=(*hidden, last))

    def step(
        self,
        parameters: Critic,
        memory: Memory,
        gradients: Gradients,
        *,
        step: int,
        learning_rate: float,
    ) -> tuple[Critic, Memory]:
        """Take one Adam step on the raw weights and biases."""
        count = len(gradients)
        first = tuple(
            torch.lerp(m, g, 1.0 - self.beta1)
            for m, g in zip(memory[:count], gradients, strict=True)
        )
        second = tuple(
            torch.lerp(v, g.square(), 1.0 - self.beta2)
            for v, g in zip(memory[count:], gradients, strict=True)
        )
        correction1 = 1.0 - self.beta1 ** (step + 1)
        correction2 = 1.0 - self.beta2 ** (step + 1)
        moved = tuple(
            p
            + learning_rate
            * (m / correction1)
            / ((v / correction2).sqrt() + self.epsilon)
            for p, m, v in zip(parameters.tensors(), first, second, strict=True)
        )
        layers = len(parameters.weights)
        changed = replace(parameters, weights=moved[:layers], biases=moved[layers:])
        return changed, (*first, *second)


def method_for(config: EstimateConfig) -> Method:
    """Return the training method that a configuration asks for."""
    if config.constraint == "bjorck":
        return BjorckAdam(
            order=config.bjorck_order, iterations=config.bjorck_iterations
        )
    return ManifoldAscent()
