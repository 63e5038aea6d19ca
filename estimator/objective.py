"""The dual objective of Kantorovich and Rubinstein, the one thing that is maximized."""

import torch
from torch import Tensor

from models.critic import Critic


def dual_objective(critic: Critic, x: Tensor, y: Tensor) -> Tensor:
    """Return mean f(x) - mean f(y) of each critic: (B, d) or (K, B, d) -> (K,).

    For a 1-Lipschitz f its expectation is at most W1(P, Q), with equality at a
    Kantorovich potential.
    """
    values = critic(torch.cat((x, y), dim=-2))
    n = x.shape[-2]
    return values[..., :n].mean(-1) - values[..., n:].mean(-1)
