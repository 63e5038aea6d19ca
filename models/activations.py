"""GroupSort: an activation that keeps every norm and every gradient's norm.

Anil, Lucas & Grosse (2019), "Sorting out Lipschitz function approximation",
arXiv:1811.05381, section 4.
"""

import torch
from torch import Tensor


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
