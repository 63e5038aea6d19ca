"""Cones on learned projections: smooth minima of distances to flats, ranks included.

    f(x) = -s T log sum_j exp(-(|A_j x - c_j| + b_j) / T),   ||A_j|| <= 1,  s = +1 or -1

Each term is 1-Lipschitz in l2, being the norm after a contraction, and so is the smooth
minimum. Orthonormal rows A_j make |A_j x - c_j| the distance to a flat of that
codimension: one row is a plane, d of them a point. Singular values may fall below 1, so
that the rank is learned where fewer rows are needed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from kantor.models.cones import TIP, smooth_shares
from kantor.models.members import Members
from kantor.models.norms import ROUNDING, spectral_norm
from kantor.models.orthonormal import random_orthonormal
from kantor.models.vocabulary import Norm

INITIAL_TEMPERATURE = 0.1


@dataclass(frozen=True)
class Projections(Members):
    """Parameters of K critics of N cones on projections to r features each.

    Attributes:
        contractions: A, the rows of all cones one after another (K, N r, d).
        shifts: c (K, N, r).
        offsets: b (K, 1, N).
        log_temperatures: log T (K, 1, 1).
        signs: s of each critic: 1 for valleys, -1 for peaks.
    """

    own = "signs"

    contractions: Tensor
    shifts: Tensor
    offsets: Tensor
    log_temperatures: Tensor
    signs: tuple[int, ...]

    @property
    def n_critics(self) -> int:
        """Number K of critics in the batch."""
        return self.contractions.shape[0]

    @property
    def dim(self) -> int:
        """Number d of features of a sample."""
        return self.contractions.shape[-1]

    @property
    def rank(self) -> int:
        """Number r of rows of each projection."""
        return self.shifts.shape[-1]

    @property
    def ground_norm(self) -> Norm:
        """Norm on R^d that the Lipschitz constant refers to."""
        return "l2"

    @property
    def n_weights(self) -> int:
        """The contractions."""
        return 1

    def tensors(self) -> tuple[Tensor, ...]:
        """Return contractions, shifts, offsets and temperatures."""
        return self.contractions, self.shifts, self.offsets, self.log_temperatures

    @property
    def n_parts(self) -> int:
        """Number N of cones of each critic."""
        return self.shifts.shape[1]

    def shares(self, x: Tensor) -> Tensor:
        """Return the mean share (K, N) of each cone in the minimum at x (K, B, d)."""
        _, heights = projected(x, self.contractions, self.shifts)
        found, _ = smooth_shares(
            heights, self.offsets.mT, self.log_temperatures, axis=1
        )
        return found.mean(-1)

    def narrowed(self, kept: Tensor) -> "Projections":
        """Return critics of these of their cones alone: kept (K, M) -> M cones."""
        rows = self.contractions.reshape(*self.shifts.shape, self.dim)  # (K, N, r, d)
        of_shifts = kept.unsqueeze(-1).expand(-1, -1, self.rank)
        of_rows = of_shifts.unsqueeze(-1).expand(-1, -1, -1, self.dim)
        return replace(
            self,
            contractions=rows.gather(1, of_rows).flatten(1, 2),
            shifts=self.shifts.gather(1, of_shifts),
            offsets=self.offsets.gather(2, kept.unsqueeze(1)),
        )

    def with_tensors(self, tensors: Sequence[Tensor]) -> "Projections":
        """Return critics with other parameters."""
        contractions, shifts, offsets, log_temperatures = tensors
        return replace(
            self,
            contractions=contractions,
            shifts=shifts,
            offsets=offsets,
            log_temperatures=log_temperatures,
        )

    def operator_norms(self) -> Tensor:
        """Return the largest norm (K, 1) of a critic's contractions, in float64."""
        w = self.contractions
        blocks = w.reshape(len(w), -1, self.rank, self.dim)  # (K, N, r, d)
        return spectral_norm(blocks).amax(-1, keepdim=True) * (1.0 + ROUNDING)

    def __call__(self, x: Tensor) -> Tensor:
        """Evaluate every critic: x (K, B, d) or (B, d) for all -> values (K, B)."""
        z = x if x.dim() == 3 else x.expand(self.n_critics, *x.shape)
        lowest: Tensor = _ProjectedMinimum.apply(z, *self.tensors())  # type: ignore[no-untyped-call]
        signs = torch.tensor(self.signs, dtype=x.dtype, device=x.device)
        return signs[:, None] * lowest


class _ProjectedMinimum(torch.autograd.Function):
    """The minimum with its backward pass written out, as that of cones.

    With z = A x - c, heights h = |z|, shares p, minimum f: df/dA_j = p_j z_j x^T / h_j,
    df/dc_j = -p_j z_j / h_j, df/db_j = p_j, df/dlog T = f - sum_j p_j (h_j + b_j).
    Samples are the last axis: sums over the few rows and cones are fast then.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        contractions: Tensor,
        shifts: Tensor,
        offsets: Tensor,
        log_temperatures: Tensor,
    ) -> Tensor:
        z, heights = projected(x, contractions, shifts)
        shares, values = smooth_shares(heights, offsets.mT, log_temperatures, axis=1)
        ctx.save_for_backward(x, contractions, offsets, z, heights, shares, values)
        return values

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, contractions, offsets, z, heights, shares, values = ctx.saved_tensors
        pull = shares * gradients[0].unsqueeze(1)  # (K, N, B)
        to_offsets = pull.sum(-1).unsqueeze(1)
        spent = (pull * heights).sum((1, 2)) + (to_offsets * offsets).sum((1, 2))
        to_temperature = (gradients[0] * values).sum(-1) - spent
        moved = z * pull.div_(heights).unsqueeze(2)  # (K, N, r, B)
        flat = moved.flatten(1, 2)
        to_x = flat.mT @ contractions if ctx.needs_input_grad[0] else None
        to_shifts = -moved.sum(-1)
        return to_x, flat @ x, to_shifts, to_offsets, to_temperature[:, None, None]


def projected(x: Tensor, contractions: Tensor, shifts: Tensor) -> tuple[Tensor, Tensor]:
    """Return z = A x - c (K, N, r, B) and its lengths |z| (K, N, B)."""
    flat = -shifts.flatten(1).unsqueeze(-1)
    z = torch.baddbmm(flat, contractions, x.mT)
    z = z.reshape(len(z), *shifts.shape[1:], z.shape[-1])
    return z, z.square().sum(2).add_(TIP * TIP).sqrt_()


def initial_projections(
    centers: Tensor,
    *,
    rank: int,
    signs: tuple[int, ...],
    generator: torch.Generator,
) -> Projections:
    """Return cones on random orthonormal projections, at centers (K, N, d)."""
    count, cones, dim = centers.shape
    rows = random_orthonormal(
        (count, cones, rank, dim), generator=generator, dtype=torch.float32
    ).to(centers)
    return Projections(
        contractions=rows.flatten(1, 2).contiguous(),
        shifts=(rows @ centers.unsqueeze(-1)).squeeze(-1),
        offsets=centers.new_zeros(count, 1, cones),
        log_temperatures=centers.new_full((count, 1, 1), math.log(INITIAL_TEMPERATURE)),
        signs=signs,
    )
