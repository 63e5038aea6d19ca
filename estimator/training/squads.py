"""Squads: teams of one shape, of several jobs, that take their steps as one team.

A team holds every fold's critics already, and what happens in one fold is independent
of the others. So the teams of several jobs are one team of more folds; the batches of
their jobs, one after another, are its batches.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import torch
from torch import Tensor

from kantor.estimator.training.portfolio import Portfolio
from kantor.estimator.training.team import Team, united

Batch = tuple[Tensor, Tensor]
"""Source samples (F, B, d) and target samples (F, B', d) of a step."""


@dataclass(frozen=True)
class Part:
    """The members of a squad that are a team of one job.

    Attributes:
        job: Which of the jobs, by its number.
        name: Of the team.
        team: As it was before the first step.
        members: Where its members stand in the squad.
    """

    job: int
    name: str
    team: Team
    members: list[int]


@dataclass(frozen=True)
class Squad:
    """A team of several jobs, or one job's own.

    Attributes:
        team: Everybody.
        parts: Whose they are.
    """

    team: Team
    parts: tuple[Part, ...]

    def batch(self, batches: Sequence[Batch]) -> Batch:
        """Return the samples of all folds of its jobs, from those of every job."""
        own = [batches[part.job] for part in self.parts]
        if len(own) == 1:
            return own[0]
        size = self.team.batch_size
        x, y = (
            torch.cat([side[:, :size] for side in s]) for s in zip(*own, strict=True)
        )
        return x, y

    def factor(self, factors: Sequence[float]) -> float | Tensor:
        """Return the share of their rates at which all move, or that of each (K,)."""
        own = {factors[part.job] for part in self.parts}
        if len(own) == 1:
            return own.pop()
        shares = torch.empty_like(self.team.rates)
        for part in self.parts:
            shares[part.members] = factors[part.job]
        return shares

    def parted(self) -> list[tuple[Part, Team]]:
        """Return each job's own team, as its steps have left it."""
        if len(self.parts) == 1:
            return [(self.parts[0], self.team)]
        return [(part, self._own(part)) for part in self.parts]

    def _own(self, part: Part) -> Team:
        return replace(
            part.team,
            parameters=self.team.parameters.select(part.members),
            memory=tuple(m[part.members] for m in self.team.memory),
        )


def squads_of(portfolios: Sequence[Portfolio], batches: Sequence[Batch]) -> list[Squad]:
    """Return the squads of several jobs: teams whose shapes agree go as one.

    Args:
        portfolios: Of each job.
        batches: Of each job, as they are in every step.
    """
    alike: dict[Hashable, list[tuple[int, str]]] = {}
    for job, portfolio in enumerate(portfolios):
        for name, team in portfolio.items():
            alike.setdefault((name, _shape(team, batches[job])), []).append((job, name))
    return [
        _squad(
            [(job, name, portfolios[job][name]) for job, name in found],
            folds=[len(batches[job][0]) for job, _ in found],
        )
        for found in alike.values()
    ]


def _shape(team: Team, batch: Batch) -> Hashable:
    """Return what has to agree between teams that are to be one."""
    critic = team.parameters
    tensors = (*critic.tensors(), *team.memory, team.history)
    sizes = [side[:, : team.batch_size].shape[1:] for side in batch]
    return (
        team.method,
        team.batch_size,
        bool(team.jitter),
        type(critic),
        critic.ground_norm,
        *(tensor.shape[1:] for tensor in tensors),
        *sizes,
        team.rates.device,
    )


def _squad(found: list[tuple[int, str, Team]], folds: list[int]) -> Squad:
    if len(found) == 1:
        [(job, name, team)] = found
        return Squad(team, (Part(job, name, team, [*range(len(team.places))]),))
    starts = [0, *accumulate(folds)]
    whole = united([team for _, _, team in found], starts)
    # Candidates one after another, so that equal activations are evaluated at once.
    places = sorted(whole.places, key=lambda place: place[1])
    parts = tuple(
        Part(job, name, team, [places.index((start + f, j)) for f, j in team.places])
        for (job, name, team), start in zip(found, starts, strict=False)
    )
    return Squad(whole.keep(places), parts)
