"""K networks evaluated as one batch: z -> s(W z + b), a unit-norm last row.

    f_k(x) = v_k . s(W_k,L ... s(W_k,1 x + b_k,1) ... + b_k,L),   k = 1..K

Weights are (K, out, in), biases (K, 1, out), samples (K, B, d). Whether f_k is
1-Lipschitz depends on the weights alone; `operator_norms` says by how much.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

import torch
from torch import Tensor

from kantor.models.activations import Activation
from kantor.models.members import Members
from kantor.models.norms import ROUNDING, row_l1_norm, row_l2_norm, spectral_norm
from kantor.models.orthonormal import random_orthonormal
from kantor.models.vocabulary import Norm

Path = Literal["l2", "linf", "mixed"]
"""Norms between layers: l2 throughout, linf throughout, or l2 to linf at the first.

The constant of a layer is the operator norm between the norms on its two sides.
"""


@dataclass(frozen=True)
class Network(Members):
    """Parameters of K networks of one architecture.

    Attributes:
        weights: One tensor (K, out, in) a layer; the last of a critic has out = 1.
        biases: One tensor (K, 1, out) a hidden layer. The last layer has none: a
            constant cancels in the dual objective.
        activations: One a network, the same after each of its hidden layers.
        path: Norms in which the layers are measured.
    """

    own = "activations"

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    activations: tuple[Activation, ...]
    path: Path = "l2"

    @property
    def n_critics(self) -> int:
        """Number K of networks in the batch."""
        return self.weights[0].shape[0]

    @property
    def dim(self) -> int:
        """Number d of features of a sample."""
        return self.weights[0].shape[-1]

    @property
    def ground_norm(self) -> Norm:
        """Norm on R^d that the Lipschitz constant refers to."""
        return "linf" if self.path == "linf" else "l2"

    @property
    def n_weights(self) -> int:
        """Number of layers, the last row included."""
        return len(self.weights)

    def tensors(self) -> tuple[Tensor, ...]:
        """Return all parameters, weights first."""
        return (*self.weights, *self.biases)

    def with_tensors(self, tensors: Sequence[Tensor]) -> "Network":
        """Return a network with other parameters, weights first."""
        layers = len(self.weights)
        return replace(
            self, weights=tuple(tensors[:layers]), biases=tuple(tensors[layers:])
        )

    def operator_norms(self) -> Tensor:
        """Return upper bounds (K, layers) of the layers' norms, in float64."""
        first, rest = {
            "l2": (spectral_norm, spectral_norm),
            "linf": (row_l1_norm, row_l1_norm),
            "mixed": (row_l2_norm, row_l1_norm),
        }[self.path]
        norms = [first(self.weights[0]), *(rest(w) for w in self.weights[1:])]
        return torch.stack(norms, dim=-1) * (1.0 + ROUNDING)

    def __call__(self, x: Tensor) -> Tensor:
        """Evaluate every network: x (K, B, d) or (B, d) for all -> values (K, B).

        A last layer of several rows has values (K, B, out), as those of a classifier.
        """
        z = x if x.dim() == 3 else x.expand(self.n_critics, *x.shape)
        for w, b in zip(self.weights[:-1], self.biases, strict=True):
            z = self.activated(torch.baddbmm(b, z, w.mT))
        return torch.bmm(z, self.weights[-1].mT).squeeze(-1)  # (K, B, 1) -> (K, B)

    def activated(self, z: Tensor) -> Tensor:
        """Apply each network's own activation: (K, B, width) -> (K, B, out)."""
        runs = [(act, len(tuple(same))) for act, same in groupby(self.activations)]
        if len(runs) == 1:
            return self.activations[0](z)
        parts = torch.split(z, [count for _, count in runs])
        pairs = zip(runs, parts, strict=True)
        return torch.cat([activation(part) for (activation, _), part in pairs])


def layer_shapes(
    dim: int, *, width: int, depth: int, activation: Activation
) -> Iterator[tuple[int, int]]:
    """Yield (out, in) of each layer: `depth` hidden ones and the last row."""
    columns = dim
    for _ in range(depth):
        yield width, columns
        columns = activation.output_width(width)
    yield 1, columns


def initial_network(
    dim: int,
    *,
    width: int,
    depth: int,
    activations: tuple[Activation, ...],
    generator: torch.Generator,
    path: Path = "l2",
    dtype: torch.dtype = torch.float32,
) -> Network:
    """Draw a network per activation, with uniformly random orthonormal weights.

    Biases start at zero. Activations of one batch have to agree in their output width.
    On a path through linf the rows are not yet within their norm balls.
    """
    shapes = list(
        layer_shapes(dim, width=width, depth=depth, activation=activations[0])
    )
    count = len(activations)
    return Network(
        weights=tuple(
            random_orthonormal(
                (count, *shape), generator=generator, dtype=dtype
            ).contiguous()
            for shape in shapes
        ),
        biases=tuple(
            torch.zeros(count, 1, rows, dtype=dtype) for rows, _ in shapes[:-1]
        ),
        activations=activations,
        path=path,
    )


def bent_at(
    network: Network, samples: Tensor, *, generator: torch.Generator
) -> Network:
    """Return the network with biases that put each unit's zero at a random sample.

    Units then fold where samples (K, B, d) lie, layer by layer, and not all at once in
    the origin.
    """
    z, biases = samples, []
    for w in network.weights[:-1]:
        raw = z @ w.mT  # (K, B, width)
        rows = torch.randint(raw.shape[1], (1, 1, raw.shape[2]), generator=generator)
        chosen = raw.gather(1, rows.to(raw.device).expand(len(raw), -1, -1))
        biases.append(-chosen)
        z = network.activated(raw + biases[-1])
    return replace(network, biases=tuple(biases))


def affine_network(direction: Tensor, norm: Norm = "l2") -> Network:
    """Return the affine critic x -> <v, x> that climbs fastest along a direction (d,).

    v maximizes <v, direction> in the unit ball of the dual norm: the direction divided
    by its length for l2, the signed unit vector of its largest entry for linf; e_1 for
    direction 0.
    It has no hidden layer. Between a distribution and its translate it is optimal.
    """
    largest = direction.abs().argmax()
    unit = torch.zeros_like(direction)
    unit[largest] = 1.0 if direction[largest] >= 0.0 else -1.0
    length = direction.norm()
    if norm == "l2" and length > 0.0:
        unit = direction / length
    return Network((unit[None, None, :],), (), (Activation(),), norm)
