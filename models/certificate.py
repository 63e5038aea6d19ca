"""Certify the Lipschitz constant of a critic in float64, from its very weights.

GroupSort is 1-Lipschitz in every norm, hence Lip_2(f) <= prod_l ||W_l||_2. Nothing
about how the weights came to be is trusted: the norms are computed from the tensors
that are evaluated, by a full singular value decomposition, and inflated for its
rounding.
"""

import torch
from torch import Tensor

from models.critic import Critic

ROUNDING = 1e-10
"""Relative inflation of each norm.

LAPACK's singular values err by at most p(m, n) eps ||W||_2 with a modest polynomial p
(LAPACK Users' Guide, section 4.9); for sides up to 4,096 and p = max(m, n) that is
9.1e-13, and the inflation is a hundred times larger.
"""


def operator_norms(critic: Critic) -> Tensor:
    """Return upper bounds (K, layers) of the layers' spectral norms, in float64."""
    norms = [spectral_norm(w) for w in critic.weights]
    return torch.stack(norms, dim=-1) * (1.0 + ROUNDING)


def spectral_norm(w: Tensor) -> Tensor:
    """Return the largest singular value of each matrix (..., rows, columns)."""
    singular: Tensor = torch.linalg.svdvals(w.double())
    return singular[..., 0]


def lipschitz_bound(critic: Critic) -> Tensor:
    """Return an upper bound (K,) of each critic's l2 Lipschitz constant."""
    return operator_norms(critic).prod(-1) * (1.0 + ROUNDING)


def orthonormality_defect(w: Tensor) -> Tensor:
    """Return ||W W^T - I||_2, or ||W^T W - I||_2 if that is the smaller matrix."""
    singular: Tensor = torch.linalg.svdvals(w.double())
    return (singular.square() - 1.0).abs().amax(-1)
