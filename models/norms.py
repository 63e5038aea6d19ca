"""Operator norms of weights, exactly and in float64, and how far from orthonormal.

The operator norm of W from l_p to l_q bounds how much z -> W z can stretch distances.
Three pairs (p, q) have a closed form that a certificate can use.
"""

import torch
from torch import Tensor

ROUNDING = 1e-10
"""Relative inflation of each norm.

LAPACK's singular values err by at most p(m, n) eps ||W||_2 with a modest polynomial p
(LAPACK Users' Guide, section 4.9); for sides up to 4,096 and p = max(m, n) that is
9.1e-13, and the inflation is a hundred times larger.
"""


def spectral_norm(w: Tensor) -> Tensor:
    """Return the l2 -> l2 norm, the largest singular value, of (..., rows, columns).

    Infinite for a matrix that is not finite.
    """
    finite = w.isfinite().all(-1).all(-1)
    singular: Tensor = torch.linalg.svdvals(w.double().nan_to_num())
    return torch.where(finite, singular[..., 0], torch.inf)


def row_l1_norm(w: Tensor) -> Tensor:
    """Return the linf -> linf norm: the largest L1 norm of a row."""
    return w.double().abs().sum(-1).amax(-1)


def row_l2_norm(w: Tensor) -> Tensor:
    """Return the l2 -> linf norm: the largest l2 norm of a row."""
    lengths: Tensor = w.double().norm(dim=-1)
    return lengths.amax(-1)


def orthonormality_defect(w: Tensor) -> Tensor:
    """Return ||W W^T - I||_2, or ||W^T W - I||_2 if that is the smaller matrix."""
    singular: Tensor = torch.linalg.svdvals(w.double())
    return (singular.square() - 1.0).abs().amax(-1)
