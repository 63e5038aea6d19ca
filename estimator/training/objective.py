"""The dual objective of Kantorovich and Rubinstein, the one thing that is maximized."""

from collections.abc import Sequence

import torch
from torch import Tensor

from kantor.models.critic import Critic


def dual_objective(
    critic: Critic,
    x: Tensor,
    y: Tensor,
    folds: Sequence[int],
    *,
    of: tuple[int, int] | None = None,
) -> Tensor:
    """Return mean f(x) - mean f(y) of each critic (K,).

    For a 1-Lipschitz f its expectation is at most W1(P, Q), with equality at a
    Kantorovich potential.

    Args:
        critic: K critics.
        x: Source samples (F, B, d).
        y: Target samples (F, B', d).
        folds: Which of the F folds each critic is measured on.
        of: How many rows x and y are a part of; the parts of all rows add up to the
            objective of the whole. None: they are the whole.
    """
    samples = torch.cat((x, y), dim=-2)
    alone = len(samples) == 1  # then no copies are needed
    values = critic(samples[0] if alone else samples[list(folds)])
    n = x.shape[-2]
    if of is not None:
        return values[:, :n].sum(-1) / of[0] - values[:, n:].sum(-1) / of[1]
    return values[:, :n].mean(-1) - values[:, n:].mean(-1)
