"""Constraints: how weights are kept to operator norm 1.

A constraint offers two maps of a critic's weights, first layer to last row. `effective`
turns raw ones into those that are evaluated, differentiably; `restored` brings them
back after a step, without gradients. Either may do nothing. None is trusted: the
certificate is computed from the weights that come out.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from kantor.models.network import Path
from kantor.models.orthonormal import bjorck, polar_factor, retract, safe_scaled

Weights = tuple[Tensor, ...]


class Constraint(Protocol):
    """One way of constraining weights.

    `may_exceed` says that constants above 1, by more than rounding, are to be expected.
    """

    may_exceed: ClassVar[bool]

    def effective(self, weights: Weights) -> Weights:
        """Return the weights that are evaluated, differentiable in the raw ones."""

    def restored(self, weights: Weights) -> Weights:
        """Return raw weights to where the constraint holds, after a step."""


@dataclass(frozen=True)
class Free:
    """No constraint: the weights mean what they are."""

    may_exceed: ClassVar[bool] = False

    def effective(self, weights: Weights) -> Weights:
        """Return the weights themselves."""
        return weights

    def restored(self, weights: Weights) -> Weights:
        """Return the weights themselves."""
        return weights


@dataclass(frozen=True)
class Stiefel(Free):
    """Orthonormal rows or columns, restored by two Newton-Schulz steps.

    For steps of at most 0.5 in spectral norm, such as the manifold method takes.
    """

    def restored(self, weights: Weights) -> Weights:
        """Retract every weight to the manifold."""
        return tuple(retract(w).contiguous() for w in weights)


@dataclass(frozen=True)
class StiefelProjection(Free):
    """Orthonormal rows or columns, restored by the polar factor from any distance."""

    def restored(self, weights: Weights) -> Weights:
        """Replace every weight by its nearest orthonormal matrix."""
        return tuple(polar_factor(w).contiguous() for w in weights)


@dataclass(frozen=True)
class Bjorck(Free):
    """The paper's: differentiable Björck iterations in every forward pass.

    Anil, Lucas & Grosse (2019), arXiv:1811.05381, section 4.2.
    """

    order: int = 1
    iterations: int = 20

    def effective(self, weights: Weights) -> Weights:
        """Orthonormalize every weight; the last row is divided by its norm."""
        *hidden, last = weights
        orthonormal = tuple(
            bjorck(safe_scaled(w), iterations=self.iterations, order=self.order)
            for w in hidden
        )
        return (*orthonormal, unit_rows(last))


@dataclass(frozen=True)
class Spectral(Free):
    """Every weight divided by its spectral norm, estimated by power iteration.

    Miyato et al. (2018), arXiv:1802.05957. Singular values below the largest stay below
    1, so gradients lose norm. The estimate comes from below, so that a weight may
    exceed norm 1 by a little; the certificate measures by how much.
    """

    may_exceed: ClassVar[bool] = True

    iterations: int = 12

    def effective(self, weights: Weights) -> Weights:
        """Divide every weight by the power iteration's estimate of its norm."""
        return tuple(self._divided(w) for w in weights)

    def _divided(self, w: Tensor) -> Tensor:
        with torch.no_grad():
            v = w.new_ones(*w.shape[:-2], w.shape[-1], 1)
            for _ in range(self.iterations):
                u = unit_columns(w @ v)
                v = unit_columns(w.mT @ u)
        return w / (u.mT @ w @ v).clamp_min(1e-12)


@dataclass(frozen=True)
class Parseval(Free):
    """One step towards orthonormality after each update: W + b (I - W W^T) W.

    Cisse et al. (2017), "Parseval networks", arXiv:1704.08847. The weights hover near
    the manifold; the certificate measures how near. Weights whose norm might exceed
    `LIMIT` are scaled down to it first: the step diverges from sqrt(1 + 2 / b) on.
    """

    may_exceed: ClassVar[bool] = True

    LIMIT: ClassVar[float] = 1.5

    rate: float = 0.5

    def restored(self, weights: Weights) -> Weights:
        """Take the step on every weight."""
        return tuple(self._pulled(w).contiguous() for w in weights)

    def _pulled(self, w: Tensor) -> Tensor:
        x = w if w.shape[-2] <= w.shape[-1] else w.mT
        gram = x @ x.mT
        bound = (
            gram.abs().sum(-1).amax(-1)[..., None, None]
        )  # >= ||W||^2, 1 for W W^T = I
        excess = (bound / self.LIMIT**2).clamp_min(1.0)
        x = x / excess.sqrt()
        x = x + self.rate * (x - gram @ x / excess)
        return x if w.shape[-2] <= w.shape[-1] else x.mT


@dataclass(frozen=True)
class RowBalls(Free):
    """Every row projected to the unit ball that bounds the layer's operator norm.

    On the path `linf` each row to the L1 ball: 1-Lipschitz from linf to linf. On the
    path `mixed` the rows of the first layer to the l2 ball, which bounds its norm from
    l2 to linf, and the others to the L1 ball. Anil, Lucas & Grosse (2019), section 4.2.
    """

    path: Path

    def restored(self, weights: Weights) -> Weights:
        """Project every row to its ball."""
        first, *rest = weights
        first = l1_projected(first) if self.path == "linf" else l2_projected(first)
        return (first, *(l1_projected(w) for w in rest))


@dataclass(frozen=True)
class Contractions(Free):
    """Every block of `rank` rows brought back to norm at most 1, its rank left free.

    Singular values above 1 become 1, by the eigenvectors of the small Gram matrix;
    those below stay what they are. A block that is not finite stays what it is: its
    critic has diverged, and others must not suffer from it.
    """

    rank: int

    def restored(self, weights: Weights) -> Weights:
        """Lower what exceeds 1 in every block."""
        lowered = l2_projected if self.rank == 1 else self._lowered
        return tuple(lowered(w) for w in weights)

    def _lowered(self, w: Tensor) -> Tensor:
        blocks = w.reshape(*w.shape[:-2], -1, self.rank, w.shape[-1])
        gram = blocks @ blocks.mT
        finite = gram.isfinite().all(-1).all(-1)[..., None, None]
        squares, axes = eigenpairs(torch.where(finite, gram, torch.zeros_like(gram)))
        factors = squares.clamp_min(1.0).rsqrt()
        lowered: Tensor = axes @ (factors.unsqueeze(-1) * (axes.mT @ blocks))
        return torch.where(finite, lowered, blocks).reshape(w.shape)


def eigenpairs(gram: Tensor) -> tuple[Tensor, Tensor]:
    """Return eigenvalues (..., r) and eigenvectors (..., r, r) of Gram matrices.

    In float32 LAPACK now and then does not converge on eigenvalues that repeat, as
    those of orthonormal rows do; in float64 it does.
    """
    try:
        values, vectors = torch.linalg.eigh(gram)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        values, vectors = torch.linalg.eigh(gram.double())
    return values.to(gram.dtype), vectors.to(gram.dtype)


def unit_rows(w: Tensor) -> Tensor:
    """Divide each row by its l2 norm."""
    return torch.nn.functional.normalize(w, dim=-1)


def unit_columns(w: Tensor) -> Tensor:
    """Divide each column by its l2 norm."""
    return torch.nn.functional.normalize(w, dim=-2)


def l2_projected(w: Tensor) -> Tensor:
    """Project each row to the unit l2 ball."""
    lengths: Tensor = w.norm(dim=-1, keepdim=True)
    return w / lengths.clamp_min(1.0)


def l1_projected(w: Tensor) -> Tensor:
    """Project each row of w (..., columns) to the unit L1 ball, exactly.

    Soft thresholding at the level where the L1 norm is 1: with |w| sorted descending as
    u and S_k its partial sums, the level is max_k (S_k - 1) / k over u_k > (S_k - 1)/k.
    Duchi et al. (2008), "Efficient projections onto the l1-ball for learning in high
    dimensions", figure 1.
    """
    magnitude = w.abs()
    u = magnitude.sort(dim=-1, descending=True).values
    k = torch.arange(1, w.shape[-1] + 1, device=w.device, dtype=w.dtype)
    levels = (u.cumsum(-1) - 1.0) / k
    count = (u > levels).sum(-1, keepdim=True)
    level = levels.gather(-1, count - 1).clamp_min(0.0)
    return w.sign() * (magnitude - level).clamp_min(0.0)
