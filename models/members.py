"""Batches of critics: members are chosen and put together the same in every family."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import ClassVar, Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Members:
    """K critics of one shape, which differ in their tensors and in one more thing.

    Attributes:
        own: Name of the field that has this for each member, a tuple of length K.
    """

    own: ClassVar[str]

    def tensors(self) -> tuple[Tensor, ...]:
        """Return all parameters, K of each."""
        raise NotImplementedError

    def with_tensors(self, tensors: Sequence[Tensor]) -> Self:
        """Return critics with other parameters, in the order of `tensors`."""
        raise NotImplementedError

    def select(self, members: Sequence[int]) -> Self:
        """Return the batch of these members."""
        chosen = self.with_tensors([p[list(members)] for p in self.tensors()])
        own = getattr(self, self.own)
        return replace(chosen, **{self.own: tuple(own[k] for k in members)})

    def united(self, others: Sequence[Self]) -> Self:
        """Return the batch of these critics and, after them, others of their shape."""
        every = (self, *others)
        tensors = zip(*(critic.tensors() for critic in every), strict=True)
        whole = self.with_tensors([torch.cat(same) for same in tensors])
        own = chain.from_iterable(getattr(critic, self.own) for critic in every)
        return replace(whole, **{self.own: tuple(own)})
