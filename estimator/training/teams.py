"""Teams: the competing critics of one family, trained as one batch.

A portfolio is a tuple of teams. Each candidate appears once per fold, so that one batch
trains every candidate on every fold; what happens to it in one fold is independent of
the others, because a fold's critic must not depend on what only other folds may see.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from kantor.estimator.training.methods import Method
from kantor.estimator.training.optimizers import Tensors
from kantor.models.critic import Critic, lipschitz_bound, mapped, merged

Member = tuple[int, int]
"""Fold and candidate, both by their number."""


@dataclass(frozen=True)
class Team:
    """Everything that training needs to go on with critics of one family.

    Attributes:
        method: How they move.
        rates: Step size of each member (K,).
        batch_size: Samples of each side in a step, at most what a batch has.
        parameters: Raw parameters of the K members.
        memory: Moving averages of the method.
        best: Effective critics with the best validation objective so far.
        best_validation: That objective of each (K,).
        members: Who is still in the race, in the order of the batch.
    """

    method: Method[Any]
    rates: Tensor
    batch_size: int
    parameters: Critic
    memory: Tensors
    best: Critic
    best_validation: Tensor
    members: tuple[Member, ...]

    @property
    def folds(self) -> list[int]:
        """Fold of each member."""
        return [fold for fold, _ in self.members]

    def effective(self) -> Critic:
        """Return the critics that the parameters mean now."""
        critic: Critic = self.method.effective(self.parameters)
        return critic

    def constants(self, critic: Critic) -> Tensor:
        """Return the Lipschitz constants (K,) to judge effective critics by.

        Certified ones where the constraint lets them exceed 1; else 1, at no cost.
        """
        if self.method.constraint.may_exceed:
            return lipschitz_bound(critic).to(self.rates.dtype)
        return torch.ones_like(self.rates)

    def moved(self, gradients: Tensors, *, step: int, factor: float) -> "Team":
        """Return the team after one step at `factor` times its rates."""
        parameters, memory = self.method.step(
            self.parameters,
            self.memory,
            gradients,
            step=step,
            rates=factor * self.rates[:, None, None],
        )
        return replace(self, parameters=parameters, memory=memory)

    def judged(self, critic: Critic, validation: Tensor) -> "Team":
        """Return the team with the better of `critic` and its best so far.

        A member that diverged has lost: nothing that it was counts any more.
        """
        better = validation > self.best_validation
        highest = torch.where(better, validation, self.best_validation)
        return replace(
            self,
            best=merged(critic, self.best, better),
            best_validation=torch.where(validation.isfinite(), highest, -torch.inf),
        )

    def keep(self, members: Sequence[Member]) -> "Team":
        """Return the team of these members."""
        places = [self.members.index(member) for member in members]
        return replace(
            self,
            rates=self.rates[places],
            parameters=self.parameters.select(places),
            memory=tuple(m[places] for m in self.memory),
            best=self.best.select(places),
            best_validation=self.best_validation[places],
            members=tuple(members),
        )


def initial_team(
    critic: Critic,
    method: Method[Any],
    *,
    rates: Sequence[float],
    batch_size: int,
    folds: int = 1,
) -> Team:
    """Return a team before its first step.

    Args:
        critic: Parameters of folds * len(rates) members, fold by fold.
        method: How they move.
        rates: Step size of each candidate.
        batch_size: Samples of each side in a step.
        folds: How often each candidate appears.
    """
    device = critic.tensors()[0].device
    parameters = method.constraint.restored(critic)
    return Team(
        method=method,
        rates=torch.tensor([*rates] * folds, device=device),
        batch_size=batch_size,
        parameters=parameters,
        memory=method.initial_memory(parameters),
        best=mapped(method.effective(parameters), torch.clone),
        best_validation=torch.full((critic.n_critics,), -torch.inf, device=device),
        members=tuple((f, j) for f in range(folds) for j in range(len(rates))),
    )


def leaders(teams: Sequence[Team]) -> list[int]:
    """Return each fold's best member, by its place among the members of all teams."""
    folds = [fold for team in teams for fold in team.folds]
    scores = [score for team in teams for score in team.best_validation.tolist()]
    places = range(len(folds))
    return [
        max((k for k in places if folds[k] == fold), key=lambda k: scores[k])
        for fold in sorted(set(folds))
    ]


def leader(teams: Sequence[Team], fold: int) -> Team:
    """Return the team of one that a fold's best member makes."""
    place = leaders(teams)[fold]
    for team in teams:
        if place < len(team.members):
            return team.keep([team.members[place]])
        place -= len(team.members)
    raise AssertionError("every fold keeps its leader")
