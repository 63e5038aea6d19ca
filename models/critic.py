"""What every family of critics offers: K functions on R^d, evaluated as one batch.

Two families: `network.Network` (the paper's) and `cones.Cones` (McShane's extension).
Training and certification see this protocol alone; what else the estimator has to know
of a family stands in one file of `kantor.estimator.critics`.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, Self, TypeVar

import torch
from torch import Tensor

from kantor.models.norms import ROUNDING
from kantor.models.vocabulary import Norm

C = TypeVar("C", bound="Critic")


class Critic(Protocol):
    """Parameters of K critics of one family and shape.

    Every tensor has K as its first axis and three axes in all, so that members can be
    selected, merged and moved at rates of their own.
    """

    @property
    def n_critics(self) -> int:
        """Number K of critics in the batch."""

    @property
    def dim(self) -> int:
        """Number d of features of a sample."""

    @property
    def ground_norm(self) -> Norm:
        """Norm on R^d that the Lipschitz constant refers to."""

    @property
    def n_weights(self) -> int:
        """How many of `tensors` come first that a constraint has to keep to norm 1."""

    def tensors(self) -> tuple[Tensor, ...]:
        """Return all parameters, the weights that are constrained first."""

    def with_tensors(self, tensors: Sequence[Tensor]) -> Self:
        """Return a critic with other parameters, in the order of `tensors`."""

    def select(self, members: Sequence[int]) -> Self:
        """Return the batch of these members."""

    def united(self, others: Sequence[Self]) -> Self:
        """Return the batch of these critics and, after them, others of their shape."""

    def operator_norms(self) -> Tensor:
        """Return upper bounds (K, layers) of the layers' Lipschitz constants."""

    def __call__(self, x: Tensor) -> Tensor:
        """Evaluate every critic: x (K, B, d) or (B, d) for all -> values (K, B)."""


def lipschitz_bound(critic: Critic) -> Tensor:
    """Return an upper bound (K,) of each critic's Lipschitz constant, in float64.

    The product of the layers' norms: a composition of maps with constants L_1..L_n has
    at most the constant L_1 ... L_n. Above 0, so that one may divide by it.
    """
    product = critic.operator_norms().prod(-1) * (1.0 + ROUNDING)
    return product.clamp_min(torch.finfo(product.dtype).tiny)


def mapped(critic: C, function: Callable[[Tensor], Tensor]) -> C:
    """Return a critic with `function` applied to each parameter."""
    return critic.with_tensors([function(p) for p in critic.tensors()])


def merged(new: C, old: C, take_new: Tensor) -> C:
    """Return members of `new` where `take_new` (K,) holds, of `old` elsewhere."""
    mask = take_new[:, None, None]
    pairs = zip(new.tensors(), old.tensors(), strict=True)
    return new.with_tensors([torch.where(mask, a, b) for a, b in pairs])
