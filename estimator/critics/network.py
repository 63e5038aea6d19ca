"""Networks, the paper's family: activations that sort between constrained weights.

    f(x) = v . s(W_L ... s(W_1 x + b_1) ... + b_L)

Anil, Lucas & Grosse (2019), arXiv:1811.05381; see `kantor.models.network`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from kantor.estimator.critics.family import (
    Array,
    FitSamples,
    Potential,
    Start,
    Tensors,
)
from kantor.estimator.recipe import NetworkRecipe, Recipe
from kantor.estimator.result import LayerCertificate
from kantor.models.vocabulary import Norm

if TYPE_CHECKING:
    from torch import Tensor

    from kantor.models.constraints import Constraint
    from kantor.models.critic import Critic
    from kantor.models.network import Network, Path

LEAK = 0.01

BIAS_ROWS = 512
"""Samples of a side at whose values the units of a new network may bend."""

PATHS: "dict[str, Path]" = {"l1": "linf", "mixed": "mixed"}
"""Norms between layers, by constraint; l2 for the others."""


@dataclass(frozen=True)
class NetworkPotential:
    """v . s(W_L ... s(W_1 u + b_1) ... + b_L).

    Attributes:
        weights: W (out, in) of each layer; the last has one row.
        biases: b (out,) of each hidden layer.
        activation: Name as in `kantor.models.activations.Activation`.
        group_size: Units that it takes together, where it groups.
    """

    weights: list[Array]
    biases: list[Array]
    activation: str
    group_size: int

    def __call__(self, u: Array) -> Array:
        """Return values (n,)."""
        z = u
        for w, b in zip(self.weights[:-1], self.biases, strict=True):
            z = self._activation(z @ w.T + b)[0]
        return np.asarray(z @ self.weights[-1][0])

    def gradient(self, u: Array) -> Array:
        """Return gradients (n, d) by backpropagation."""
        z, pullbacks = u, []
        for w, b in zip(self.weights[:-1], self.biases, strict=True):
            z, pullback = self._activation(z @ w.T + b)
            pullbacks.append(pullback)
        gradient = np.repeat(self.weights[-1], len(u), axis=0)
        for w, pullback in zip(self.weights[-2::-1], pullbacks[::-1], strict=True):
            gradient = pullback(gradient) @ w
        return gradient

    def _activation(self, z: Array) -> tuple[Array, Callable[[Array], Array]]:
        """Return the activation of z (n, width), and the map of gradients back."""
        sizes = {"maxmin": 2, "fullsort": z.shape[1], "groupsort": self.group_size}
        if self.activation in sizes:
            return _sorted(z, sizes[self.activation])
        if self.activation == "maxout":
            return _maxima(z, self.group_size)
        value, slope = _UNITWISE[self.activation](z)
        return value, lambda gradient: gradient * slope

    def to_tensors(self) -> Tensors:
        """Return the arrays of the document."""
        return (
            {f"weights.{i}": w for i, w in enumerate(self.weights)}
            | {f"biases.{i}": b for i, b in enumerate(self.biases)}
            | {
                "group_size": np.array([self.group_size], dtype=np.int64),
                "activation": np.frombuffer(self.activation.encode(), dtype=np.uint8),
            }
        )

    @classmethod
    def from_tensors(cls, tensors: Tensors) -> Self:
        """Read what `to_tensors` wrote."""
        layers = sum(name.startswith("weights.") for name in tensors)
        return cls(
            weights=[np.asarray(tensors[f"weights.{i}"], float) for i in range(layers)],
            biases=[
                np.asarray(tensors[f"biases.{i}"], float) for i in range(layers - 1)
            ],
            activation=tensors["activation"].tobytes().decode(),
            group_size=int(tensors["group_size"][0]),
        )


def _sorted(z: Array, size: int) -> tuple[Array, Callable[[Array], Array]]:
    groups = z.reshape(len(z), -1, size)
    order = np.argsort(groups, axis=-1, kind="stable")

    def pullback(gradient: Array) -> Array:
        back = np.empty_like(groups)
        np.put_along_axis(back, order, gradient.reshape(groups.shape), axis=-1)
        return back.reshape(z.shape)

    return np.take_along_axis(groups, order, axis=-1).reshape(z.shape), pullback


def _maxima(z: Array, size: int) -> tuple[Array, Callable[[Array], Array]]:
    groups = z.reshape(len(z), -1, size)
    place = groups.argmax(-1)[..., None]

    def pullback(gradient: Array) -> Array:
        back = np.zeros_like(groups)
        np.put_along_axis(back, place, gradient[..., None], axis=-1)
        return back.reshape(z.shape)

    return np.take_along_axis(groups, place, axis=-1)[..., 0], pullback


def _sigmoid(z: Array) -> tuple[Array, Array]:
    s = 0.5 * (1.0 + np.tanh(0.5 * z))  # the logistic function, without overflow
    return 4.0 * s, 4.0 * s * (1.0 - s)


_UNITWISE: dict[str, Callable[[Array], tuple[Array, Array]]] = {
    "abs": lambda z: (np.abs(z), np.sign(z)),
    "relu": lambda z: (np.maximum(z, 0.0), (z > 0.0).astype(float)),
    "leaky_relu": lambda z: (
        np.where(z > 0.0, z, LEAK * z),
        np.where(z > 0.0, 1.0, LEAK),
    ),
    "tanh": lambda z: (np.tanh(z), 1.0 - np.tanh(z) ** 2),
    "sigmoid": _sigmoid,
}


class NetworkFamily:
    """Networks of one shape, one candidate per competing group size."""

    name: str = "network"
    potential_type: type[Potential] = NetworkPotential

    def starts(
        self, samples: FitSamples, recipe: Recipe, *, seed: int, norm: Norm
    ) -> dict[str, Start]:
        """Return networks with random orthonormal weights, bent where samples lie."""
        import torch

        from kantor.models.activations import Activation
        from kantor.models.methods import Method
        from kantor.models.network import bent_at, initial_network
        from kantor.models.optimizers import OPTIMIZERS

        asked, looked_at = recipe.networks, samples.heads(BIAS_ROWS)
        source = looked_at[0]
        activations = tuple(
            Activation(c.activation, c.group_size) for c in asked.candidates
        )
        generator = torch.Generator().manual_seed(seed)
        network = initial_network(
            source.shape[-1],
            width=asked.width,
            depth=asked.depth,
            activations=activations * len(source),
            generator=generator,
            path=PATHS.get(asked.constraint, "l2"),
        )
        network = network.with_tensors([p.to(source) for p in network.tensors()])
        rows = torch.cat(looked_at, dim=1).repeat_interleave(len(activations), dim=0)
        start = Start(
            critic=bent_at(network, rows, generator=generator),
            method=Method(constraint_of(asked), OPTIMIZERS[asked.optimizer]()),
            rates=tuple(c.learning_rate for c in asked.candidates),
            batch_size=asked.batch_size,
            jitter=jitter_of(looked_at, asked.jitter),
        )
        return {self.name: start}

    def layers(self, critic: "Critic") -> list[LayerCertificate]:
        """Describe each layer: its shape, its norm, how far from orthonormal."""
        from kantor.models.norms import orthonormality_defect

        network = as_network(critic)
        norms = network.operator_norms()[0].tolist()
        orthonormal = network.path == "l2"
        return [
            LayerCertificate(
                rows=w.shape[1],
                columns=w.shape[2],
                operator_norm=norm,
                orthonormality_defect=float(orthonormality_defect(w))
                if orthonormal
                else None,
            )
            for w, norm in zip(network.weights, norms, strict=True)
        ]

    def potential(self, critic: "Critic") -> Potential:
        """Return the network for numpy."""
        network = as_network(critic)
        return NetworkPotential(
            weights=[w[0].numpy() for w in network.weights],
            biases=[b[0, 0].numpy() for b in network.biases],
            activation=network.activations[0].name,
            group_size=network.activations[0].group_size,
        )

    def winner(self, critic: "Critic") -> dict[str, Any]:
        """Return depth, width, and what stands between layers."""
        network = as_network(critic)
        width = network.weights[0].shape[1]
        return {
            "depth": len(network.biases),
            "width": width,
            "activation": network.activations[0].name,
            "group_size": network.activations[0].group_size_of(width),
        }


def jitter_of(sides: "tuple[Tensor, Tensor]", share: float) -> tuple[float, ...]:
    """Return how long the noise is for each fold; empty where there shall be none.

    A share of the median distance from a row of either side (F, n, d) to the nearest
    other one: long in many dimensions, and nothing where values repeat.
    """
    import torch

    if not share:
        return ()
    rows = torch.cat(sides, dim=1)
    apart = torch.cdist(rows, rows)
    apart.diagonal(dim1=-2, dim2=-1).fill_(torch.inf)
    nearest = apart.amin(-1).median(-1).values
    return tuple((share * nearest).tolist())


def as_network(critic: "Critic") -> "Network":
    """Return the critic as what it is in this family."""
    from kantor.models.network import Network

    assert isinstance(critic, Network)
    return critic


def constraint_of(asked: NetworkRecipe) -> "Constraint":
    """Return the constraint that a recipe names."""
    from kantor.models import constraints

    match asked.constraint:
        case "stiefel" if asked.optimizer == "manifold":
            return constraints.Stiefel()
        case "stiefel":
            return constraints.StiefelProjection()
        case "bjorck":
            return constraints.Bjorck(asked.bjorck_order, asked.bjorck_iterations)
        case "spectral":
            return constraints.Spectral()
        case "parseval":
            return constraints.Parseval()
        case "l1":
            return constraints.RowBalls("linf")
        case "mixed":
            return constraints.RowBalls("mixed")
