"""Teams: the competing critics of one family, trained as one batch.

A portfolio is a tuple of teams. Candidate j of a team appears once per fold, as member
f * c + j of c candidates, so that one batch trains every candidate on every fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from estimator.methods import Method
from estimator.optimizers import Tensors
from models.critic import Critic, mapped, merged


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
        candidates: Which of the initial candidates are still in the race.
    """

    method: Method[Any]
    rates: Tensor
    batch_size: int
    parameters: Critic
    memory: Tensors
    best: Critic
    best_validation: Tensor
    candidates: tuple[int, ...]

    @property
    def folds(self) -> int:
        """Number of folds that each candidate is trained on."""
        return self.parameters.n_critics // max(1, len(self.candidates))

    def effective(self) -> Critic:
        """Return the critics that the parameters mean now."""
        critic: Critic = self.method.effective(self.parameters)
        return critic

    def scores(self) -> Tensor:
        """Return each candidate's best validation objective (c,), its mean of folds."""
        return self.best_validation.view(self.folds, len(self.candidates)).mean(0)

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
        """Return the team with the better of `critic` and its best so far."""
        better = validation > self.best_validation
        return replace(
            self,
            best=merged(critic, self.best, better),
            best_validation=torch.where(better, validation, self.best_validation),
        )

    def keep(self, candidates: Sequence[int]) -> "Team":
        """Return the team of these candidates, given by their initial numbers."""
        places = [self.candidates.index(j) for j in candidates]
        count = len(self.candidates)
        members = [f * count + place for f in range(self.folds) for place in places]
        return replace(
            self,
            rates=self.rates[members],
            parameters=self.parameters.select(members),
            memory=tuple(m[members] for m in self.memory),
            best=self.best.select(members),
            best_validation=self.best_validation[members],
            candidates=tuple(candidates),
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
        candidates=tuple(range(len(rates))),
    )


def best_of(teams: Sequence[Team], fold: int) -> tuple[Critic, float]:
    """Return a fold's best critic so far, and its validation objective."""
    found = [_best_of_team(team, fold) for team in teams]
    return max(found, key=lambda pair: pair[1])


def _best_of_team(team: Team, fold: int) -> tuple[Critic, float]:
    count = len(team.candidates)
    validation = team.best_validation[fold * count : (fold + 1) * count]
    place = int(validation.argmax())
    return team.best.select([fold * count + place]), float(validation[place])
