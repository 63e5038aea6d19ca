"""Thinning: parts of a critic that hardly any sample meets are dropped on the way.

Of many cones that start at samples, few go on to matter: within some dozen steps the
others are the lowest nowhere any more, and without a share they have no gradient that
could bring them back. Many are worth starting with, since nobody knows before which of
them stand well; few are worth the time afterwards.
"""

from dataclasses import replace

import torch
from torch import Tensor

from kantor.estimator.training.data import TrainingData
from kantor.estimator.training.portfolio import Portfolio
from kantor.estimator.training.team import Team
from kantor.models.optimizers import Tensors
from kantor.models.parts import OfParts

SPARED = 0.03
"""What is dropped at once has at most this share in the values, all of it together."""

FEWEST = 64
"""Parts that may go on however idle: so few cost little, and some find a place late."""


def thinned_teams(portfolio: Portfolio, data: TrainingData, step: int) -> Portfolio:
    """Return the teams without parts that are idle at the batches of a step."""
    if not any(isinstance(t.parameters, OfParts) for t in portfolio.values()):
        return portfolio  # and draw no batch
    x, y = data.source.batch(step), data.target.batch(step)
    return {name: thinned(team, x, y) for name, team in portfolio.items()}


@torch.no_grad()
def thinned(team: Team, x: Tensor, y: Tensor) -> Team:
    """Return the team without parts that are idle at samples x and y (F, B, d).

    Its critics keep equally many, a power of two: as many as the one needs that needs
    the most. So shapes are few, and teams of several jobs agree in them. Where more
    are left than the team may have, the lesser half of them goes.
    """
    parameters, best = team.parameters, team.best
    if not isinstance(parameters, OfParts) or not isinstance(best, OfParts):
        return team
    total = parameters.n_parts
    admitted = parts_admitted(total, team.most_parts)
    if total <= min(FEWEST, admitted):
        return team
    samples = torch.cat([x, y], dim=1)[team.folds]
    now, before = parameters.shares(samples), best.shares(samples)
    count = min(admitted, max(FEWEST, parts_needed(now), parts_needed(before)))
    if count >= total:
        return team
    kept, kept_best = _largest(now, count), _largest(before, count)
    return replace(
        team,
        parameters=parameters.narrowed(kept),
        memory=_narrowed_memory(parameters, team.memory, kept),
        best=best.narrowed(kept_best),
    )


def parts_needed(shares: Tensor) -> int:
    """Return the power of two that admits all but `SPARED` of the shares (K, N)."""
    held = shares.sort(1, descending=True).values.cumsum(1)
    needed = 1 + int((held < 1.0 - SPARED).sum(1).max())
    return 1 << (needed - 1).bit_length()


def parts_admitted(total: int, most: int | None) -> int:
    """Return how many of so many parts may go on: half, until they are few enough."""
    return total if most is None else max(min(total, most), total // 2)


def _largest(shares: Tensor, count: int) -> Tensor:
    """Return the `count` parts (K, count) with the largest shares, in their order."""
    return shares.topk(count, dim=1).indices.sort(1).values


def _narrowed_memory(critic: OfParts, memory: Tensors, kept: Tensor) -> Tensors:
    """Return moving averages, each set of them shaped as the critic's parameters."""
    size = len(critic.tensors())
    sets = [memory[i : i + size] for i in range(0, len(memory), size)]
    return tuple(
        tensor
        for values in sets
        for tensor in critic.with_tensors(values).narrowed(kept).tensors()
    )
