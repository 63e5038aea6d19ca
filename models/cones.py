"""Critics built of cones: McShane's extension with learned centers.

    f(x) = -s T log sum_j exp(-(|x - a_j| + b_j) / T),   s = +1 or -1

is a smooth minimum of N cones for s = 1, and minus that for s = -1. Each cone is
1-Lipschitz in the ground norm whatever its center and offset, and so is their smooth
minimum, whose slope is a weighted mean of theirs: no constraint is needed, and the
certificate is 1 by construction. As T goes to 0 every 1-Lipschitz function is a limit
of such minima (McShane 1934, "Extension of range of functions", theorem 1).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from kantor.models.members import Members
from kantor.models.norms import ROUNDING
from kantor.models.vocabulary import Norm

TIP = 1e-4
"""Radius at which the l2 cone's tip is rounded: sqrt(|x - a|^2 + TIP^2)."""

INITIAL_TEMPERATURE = 0.03

FAINTEST = -60.0
"""Least logarithm of a share: smaller ones turn denormal, on which processors crawl."""


@dataclass(frozen=True)
class Cones(Members):
    """Parameters of K critics of N cones each.

    Attributes:
        centers: a (K, N, d).
        offsets: b (K, 1, N).
        log_temperatures: log T (K, 1, 1).
        signs: s of each critic: 1 for a minimum of cones (valleys), -1 for a maximum of
            cones turned over (peaks).
        ground_norm: Norm in which distances to the centers are measured.
    """

    own = "signs"

    centers: Tensor
    offsets: Tensor
    log_temperatures: Tensor
    signs: tuple[int, ...]
    ground_norm: Norm = "l2"

    @property
    def n_critics(self) -> int:
        """Number K of critics in the batch."""
        return self.centers.shape[0]

    @property
    def dim(self) -> int:
        """Number d of features of a sample."""
        return self.centers.shape[-1]

    @property
    def n_weights(self) -> int:
        """None: a cone has slope 1 wherever it stands."""
        return 0

    def tensors(self) -> tuple[Tensor, ...]:
        """Return centers, offsets and temperatures."""
        return self.centers, self.offsets, self.log_temperatures

    def with_tensors(self, tensors: Sequence[Tensor]) -> "Cones":
        """Return critics with other parameters."""
        centers, offsets, log_temperatures = tensors
        return replace(
            self, centers=centers, offsets=offsets, log_temperatures=log_temperatures
        )

    @property
    def n_parts(self) -> int:
        """Number N of cones of each critic."""
        return self.centers.shape[1]

    def shares(self, x: Tensor) -> Tensor:
        """Return the mean share (K, N) of each cone in the minimum at x (K, B, d)."""
        order = 2.0 if self.ground_norm == "l2" else math.inf
        heights = torch.cdist(x, self.centers, p=order)
        found, _ = smooth_shares(heights, self.offsets, self.log_temperatures)
        return found.mean(1)

    def narrowed(self, kept: Tensor) -> "Cones":
        """Return critics of these of their cones alone: kept (K, M) -> M cones."""
        return replace(
            self,
            centers=self.centers.gather(1, kept.unsqueeze(-1).expand(-1, -1, self.dim)),
            offsets=self.offsets.gather(2, kept.unsqueeze(1)),
        )

    def operator_norms(self) -> Tensor:
        """Return the constant (K, 1): 1 by construction, inflated for rounding."""
        ones = torch.ones(self.n_critics, 1, dtype=torch.float64)
        return ones.to(self.centers.device) * (1.0 + ROUNDING)

    def __call__(self, x: Tensor) -> Tensor:
        """Evaluate every critic: x (K, B, d) or (B, d) for all -> values (K, B)."""
        z = x if x.dim() == 3 else x.expand(self.n_critics, *x.shape)
        lowest = SMOOTH_MINIMA[self.ground_norm](z, *self.tensors())
        signs = torch.tensor(self.signs, dtype=x.dtype, device=x.device)
        return signs[:, None] * lowest


def linf_minimum(
    x: Tensor, centers: Tensor, offsets: Tensor, log_temperatures: Tensor
) -> Tensor:
    """Return the smooth minimum (K, B) of cones in the linf norm."""
    temperature = log_temperatures.exp()
    heights = torch.cdist(x, centers, p=math.inf) + offsets
    return -temperature.squeeze(-1) * torch.logsumexp(-heights / temperature, dim=-1)


def l2_minimum(
    x: Tensor, centers: Tensor, offsets: Tensor, log_temperatures: Tensor
) -> Tensor:
    """Return the smooth minimum (K, B) of cones in the l2 norm."""
    values: Tensor = _L2Minimum.apply(x, centers, offsets, log_temperatures)  # type: ignore[no-untyped-call]
    return values


def smooth_shares(
    heights: Tensor, offsets: Tensor, log_temperatures: Tensor, *, axis: int = 2
) -> tuple[Tensor, Tensor]:
    """Return shares p and the smooth minimum (K, B) of heights plus offsets.

    p = softmax(-(h + b) / T), f = -T log sum_j exp(-(h_j + b_j) / T), over the cones j
    along an axis: of heights (K, B, N) or, for axis 1, (K, N, B). Offsets fit these.
    """
    temperature = log_temperatures.exp()
    shares = (heights + offsets).div_(-temperature)
    largest = shares.amax(axis, keepdim=True)
    shares.sub_(largest).clamp_(min=FAINTEST).exp_()
    total = shares.sum(axis, keepdim=True)
    shares.div_(total)
    return shares, (-temperature * (largest + total.log())).squeeze(axis)


class _L2Minimum(torch.autograd.Function):
    """The minimum with its backward pass written out, half the time of autograd's.

    Distances come from one matrix product, with rounded tips: gradients stay finite at
    a center. With heights h, shares p = softmax(-h / T) and minimum f:
    df/da_j = p_j (a_j - x) / |x - a_j|, df/db_j = p_j, df/dlog T = f - sum_j p_j h_j.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        centers: Tensor,
        offsets: Tensor,
        log_temperatures: Tensor,
    ) -> Tensor:
        squares = (centers * centers).sum(-1)[:, None, :] + TIP * TIP
        distances = torch.baddbmm(squares, x, centers.mT, alpha=-2.0)  # (K, B, N)
        distances += (x * x).sum(-1, keepdim=True)
        distances.clamp_(min=TIP * TIP).sqrt_()
        shares, values = smooth_shares(distances, offsets, log_temperatures)
        ctx.save_for_backward(x, centers, offsets, distances, shares, values)
        return values

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, centers, offsets, distances, shares, values = ctx.saved_tensors
        pull = shares * gradients[0].unsqueeze(-1)  # (K, B, N)
        to_offsets = pull.sum(1, keepdim=True)
        heights = (pull * distances).sum((1, 2)) + (to_offsets * offsets).sum((1, 2))
        to_temperature = (gradients[0] * values).sum(-1) - heights
        pull.div_(distances)
        to_centers = pull.sum(1).unsqueeze(-1) * centers - pull.mT @ x
        to_x = None
        if ctx.needs_input_grad[0]:
            to_x = pull.sum(-1, keepdim=True) * x - pull @ centers
        return to_x, to_centers, to_offsets, to_temperature[:, None, None]


SMOOTH_MINIMA = {"l2": l2_minimum, "linf": linf_minimum}


def initial_cones(
    centers: Tensor, *, signs: tuple[int, ...], norm: Norm = "l2"
) -> Cones:
    """Return cones of equal height at given centers (K, N, d), one sign a critic."""
    count, cones, _ = centers.shape
    return Cones(
        centers=centers.clone(),
        offsets=centers.new_zeros(count, 1, cones),
        log_temperatures=centers.new_full((count, 1, 1), math.log(INITIAL_TEMPERATURE)),
        signs=signs,
        ground_norm=norm,
    )
