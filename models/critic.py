"""K critics evaluated as one batch: z -> GroupSort(W z + b), a unit-norm last row.

    f_k(x) = v_k . s(W_k,L ... s(W_k,1 x + b_k,1) ... + b_k,L),   k = 1..K

Weights are (K, out, in), biases (K, 1, out), samples (K, B, d). Whether f_k is
1-Lipschitz depends on the weights alone; `models.certificate` says by how much.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from models.activations import group_sort
from models.orthonormal import random_orthonormal


@dataclass(frozen=True)
class Critic:
    """Parameters of K critics of one architecture.

    Attributes:
        weights: One tensor (K, out, in) a layer; the last has out = 1.
        biases: One tensor (K, 1, out) a hidden layer. The last layer has none: a
            constant cancels in the dual objective.
        group_sizes: Units that GroupSort sorts together, one number a critic.
    """

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    group_sizes: tuple[int, ...]

    @property
    def n_critics(self) -> int:
        """Number K of critics in the batch."""
        return self.weights[0].shape[0]

    @property
    def dim(self) -> int:
        """Number d of features of a sample."""
        return self.weights[0].shape[-1]

    def tensors(self) -> tuple[Tensor, ...]:
        """Return all parameters, weights first."""
        return (*self.weights, *self.biases)

    def map(self, function: Callable[[Tensor], Tensor]) -> "Critic":
        """Return a critic with `function` applied to each parameter."""
        return replace(
            self,
            weights=tuple(function(w) for w in self.weights),
            biases=tuple(function(b) for b in self.biases),
        )

    def member(self, k: int) -> "Critic":
        """Return critic k alone, as a batch of one."""
        alone = self.map(lambda p: p[k : k + 1])
        return replace(alone, group_sizes=self.group_sizes[k : k + 1])

    def __call__(self, x: Tensor) -> Tensor:
        """Evaluate every critic: x (K, B, d) or (B, d) for all -> values (K, B)."""
        z = x if x.dim() == 3 else x.expand(self.n_critics, *x.shape)
        for w, b in zip(self.weights[:-1], self.biases, strict=True):
            z = self._sorted(torch.baddbmm(b, z, w.mT))
        return torch.bmm(z, self.weights[-1].mT).squeeze(-1)  # (K, B, 1) -> (K, B)

    def _sorted(self, z: Tensor) -> Tensor:
        """Apply each critic's own GroupSort: (K, B, width) -> (K, B, width)."""
        if len(set(self.group_sizes)) == 1:
            return group_sort(z, self.group_sizes[0])
        members = zip(torch.split(z, 1), self.group_sizes, strict=True)
        return torch.cat([group_sort(member, size) for member, size in members])


def layer_shapes(dim: int, *, width: int, depth: int) -> Iterator[tuple[int, int]]:
    """Yield (out, in) of each layer: `depth` hidden ones and the last row."""
    columns = dim
    for _ in range(depth):
        yield width, columns
        columns = width
    yield 1, columns


def initial_critic(
    dim: int,
    *,
    width: int,
    depth: int,
    group_sizes: tuple[int, ...],
    generator: torch.Generator,
    dtype: torch.dtype = torch.float32,
) -> Critic:
    """Draw a critic per group size, with uniformly random orthonormal weights.

    Biases start at zero.
    """
    n_critics = len(group_sizes)
    shapes = list(layer_shapes(dim, width=width, depth=depth))
    return Critic(
        weights=tuple(
            random_orthonormal(
                (n_critics, *shape), generator=generator, dtype=dtype
            ).contiguous()
            for shape in shapes
        ),
        biases=tuple(
            torch.zeros(n_critics, 1, rows, dtype=dtype) for rows, _ in shapes[:-1]
        ),
        group_sizes=group_sizes,
    )


def affine_critic(direction: Tensor) -> Critic:
    """Return the critic x -> <v, x> / |v| for a direction v (d,); e_1 if v is zero.

    It has no hidden layer. Between a distribution and its translate by v it is optimal.
    """
    norm = direction.norm()
    first = torch.zeros_like(direction)
    first[0] = 1.0
    unit = torch.where(norm > 0.0, direction / norm.clamp_min(1e-30), first)
    return Critic(weights=(unit[None, None, :],), biases=(), group_sizes=(1,))
