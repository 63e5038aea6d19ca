"""The dual objective of Kantorovich and Rubinstein, the one thing that is maximized."""

from collections.abc import Sequence

import torch
from torch import Tensor

from kantor.models.critic import Critic

CHUNK_ROWS = 4096
"""Samples of a side that critics are measured on at once: they need memory for each."""


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


def measured(critic: Critic, x: Tensor, y: Tensor, folds: Sequence[int]) -> Tensor:
    """Return the dual objective of each critic (K,) in as much memory as a step takes.

    Arguments are those of `dual_objective`; no gradient is kept.
    """
    whole = x.shape[-2], y.shape[-2]
    parts = []
    for start in range(0, max(whole), CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        sides = x[..., chunk, :], y[..., chunk, :]
        parts.append(dual_objective(critic, *sides, folds=folds, of=whole))
    return torch.stack(parts).sum(0)
