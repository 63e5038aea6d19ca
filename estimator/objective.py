"""The dual objective of Kantorovich and Rubinstein, the one thing that is maximized."""

import torch
from torch import Tensor

from models.critic import Critic


def dual_objective(critic: Critic, x: Tensor, y: Tensor) -> Tensor:
    """Return mean f(x) - mean f(y) of each critic (K,).

    For a 1-Lipschitz f its expectation is at most W1(P, Q), with equality at a
    Kantorovich potential.

    Args:
        critic: K critics: K / F candidates for each of F folds, fold by fold.
        x: Source samples (F, B, d).
        y: Target samples (F, B', d).
    """
    samples = torch.cat((x, y), dim=-2)
    folds = len(samples)
    members = samples.unsqueeze(1).expand(
        folds, critic.n_critics // folds, *samples.shape[1:]
    )
    values = critic(members.flatten(0, 1))
    n = x.shape[-2]
    return values[:, :n].mean(-1) - values[:, n:].mean(-1)
