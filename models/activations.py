"""Activations: GroupSort, which keeps gradient norms, and what it is compared to.

Anil, Lucas & Grosse (2019), "Sorting out Lipschitz function approximation",
arXiv:1811.05381, section 4. Every activation here is 1-Lipschitz in every l_p norm, so
that a certificate needs the weights alone.
"""

from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor

from kantor.models.vocabulary import GROUPING, ActivationName

LEAK = 0.01


@dataclass(frozen=True)
class Activation:
    """One activation of a layer of any width.

    Attributes:
        name: `groupsort` sorts groups, `maxmin` pairs, `fullsort` the whole layer;
            `maxout` keeps each group's maximum; the others act on each unit. `sigmoid`
            is scaled by 4, to slope 1.
        group_size: Units per group, for `groupsort` and `maxout`.
    """

    name: ActivationName = "groupsort"
    group_size: int = 2

    def __post_init__(self) -> None:
        """Check the name.

        Raises:
            ValueError: There is no such activation.
        """
        if self.name not in get_args(ActivationName):
            known = get_args(ActivationName)
            raise ValueError(f"expected one of {known}, received {self.name!r}")

    def group_size_of(self, width: int) -> int:
        """Return how many units of a layer act together."""
        sizes = {"maxmin": 2, "fullsort": width}
        grouped = self.name in GROUPING
        return self.group_size if grouped else sizes.get(self.name, 1)

    def output_width(self, width: int) -> int:
        """Return how many units go on to the next layer."""
        return width // self.group_size if self.name == "maxout" else width

    def __call__(self, z: Tensor) -> Tensor:
        """Apply to pre-activations (..., width)."""
        match self.name:
            case "groupsort" | "maxmin" | "fullsort":
                return group_sort(z, self.group_size_of(z.shape[-1]))
            case "maxout":
                return group_max(z, self.group_size)
            case "abs":
                return z.abs()
            case "relu":
                return torch.relu(z)
            case "leaky_relu":
                return torch.nn.functional.leaky_relu(z, LEAK)
            case "tanh":
                return torch.tanh(z)
            case "sigmoid":
                return 4.0 * torch.sigmoid(z)


def group_max(z: Tensor, group_size: int) -> Tensor:
    """Return each group's maximum: (..., width) -> (..., width / group_size).

    Goodfellow et al. (2013), "Maxout networks", arXiv:1302.4389.
    """
    width = z.shape[-1]
    if group_size < 1 or width % group_size:
        raise ValueError(f"expected a divisor of width {width}, received {group_size}")
    return z.reshape(*z.shape[:-1], width // group_size, group_size).amax(-1)


def group_sort(z: Tensor, group_size: int) -> Tensor:
    """Sort each group of consecutive units in ascending order.

    With z (..., width) split into width / group_size groups, the output is a
    permutation of each group that depends on z: it is 1-Lipschitz in every l_p norm,
    and its Jacobian is a permutation matrix almost everywhere, so the gradient keeps
    its norm.

    Args:
        z: Pre-activations (..., width).
        group_size: Units per group, a divisor of width: 2 is MaxMin, width is FullSort.

    Raises:
        ValueError: If `group_size` does not divide the width.

    Example:
        >>> group_sort(torch.tensor([3.0, 1.0, 2.0, 4.0]), 2)
        tensor([1., 3., 2., 4.])
    """
    width = z.shape[-1]
    if group_size < 1 or width % group_size:
        raise ValueError(f"expected a divisor of width {width}, received {group_size}")
    if group_size == 1:
        return z
    if group_size == 2:
        return max_min(z)
    groups = z.reshape(*z.shape[:-1], width // group_size, group_size)
    return torch.sort(groups, dim=-1).values.flatten(-2)


def max_min(z: Tensor) -> Tensor:
    """Return `group_sort(z, 2)` without a sort: the minimum, then the maximum."""
    return _MaxMin.apply(z)  # type: ignore[no-any-return, no-untyped-call]


class _MaxMin(torch.autograd.Function):
    """MaxMin with the backward pass written out: one mask, kept as booleans."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, z: Tensor) -> Tensor:
        first, second = _pairs(z)
        swap = first > second
        ctx.save_for_backward(swap)
        return _swapped(first, second, swap)

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, *gradients: Tensor
    ) -> Tensor:
        (swap,) = ctx.saved_tensors  # type: ignore[attr-defined]
        first, second = _pairs(gradients[0])
        return _swapped(first, second, swap)


def _pairs(z: Tensor) -> tuple[Tensor, ...]:
    return z.reshape(*z.shape[:-1], -1, 2).unbind(-1)


def _swapped(first: Tensor, second: Tensor, swap: Tensor) -> Tensor:
    pairs = (torch.where(swap, second, first), torch.where(swap, first, second))
    return torch.stack(pairs, dim=-1).flatten(-2)
