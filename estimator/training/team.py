"""Teams: the competing critics of one family, trained as one batch.

Each candidate appears once per fold, so that one batch
trains every candidate on every fold; what happens to it in one fold is independent of
the others, because a fold's critic must not depend on what only other folds may see.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kantor.estimator.critics import Start
from kantor.models.critic import Critic, lipschitz_bound, mapped, merged
from kantor.models.methods import Method
from kantor.models.optimizers import Tensors

Place = tuple[int, int]
"""Fold and candidate, both by their number."""


@dataclass(frozen=True)
class Team:
    """Everything that training needs to go on with critics of one family.

    Attributes:
        method: How they move.
        rates: Step size of each of the K critics.
        batch_size: Samples of each side in a step, at most what a batch has.
        parameters: Raw parameters of the K critics.
        memory: Moving averages of the method.
        best: Effective critics with the best validation objective so far.
        best_validation: That objective of each (K,).
        history: The same after every report so far (K, R).
        places: Who is still in the race, in the order of the batch.
        most_parts: As in `Start`.
        jitter: As in `Start`.
    """

    method: Method
    rates: Tensor
    batch_size: int
    parameters: Critic
    memory: Tensors
    best: Critic
    best_validation: Tensor
    history: Tensor
    places: tuple[Place, ...]
    most_parts: int | None = None
    jitter: tuple[float, ...] = ()

    @property
    def folds(self) -> list[int]:
        """Fold of each critic."""
        return [fold for fold, _ in self.places]

    @property
    def rests(self) -> bool:
        """Whether nobody moves any more."""
        return not bool(self.rates.any())

    def effective(self) -> Critic:
        """Return the critics that the parameters mean now."""
        return self.method.effective(self.parameters)

    def constants(self, critic: Critic) -> Tensor:
        """Return the Lipschitz constants (K,) to judge effective critics by.

        Certified ones where the constraint lets them exceed 1; else 1, at no cost.
        """
        if self.method.constraint.may_exceed:
            return lipschitz_bound(critic).to(self.rates.dtype)
        return torch.ones_like(self.rates)

    def moved(self, gradients: Tensors, *, step: int, factor: float | Tensor) -> "Team":
        """Return the team after one step at `factor` (one, or K) times its rates."""
        parameters, memory = self.method.step(
            self.parameters,
            self.memory,
            gradients,
            step=step,
            rates=(factor * self.rates)[:, None, None],
        )
        return replace(self, parameters=parameters, memory=memory)

    def judged(self, critic: Critic, validation: Tensor) -> "Team":
        """Return the team with the better of `critic` and its best so far.

        A critic that diverged has lost: nothing that it was counts any more.
        """
        better = validation > self.best_validation
        highest = torch.where(better, validation, self.best_validation)
        highest = torch.where(validation.isfinite(), highest, -torch.inf)
        return replace(
            self,
            best=merged(critic, self.best, better),
            best_validation=highest,
            history=torch.cat([self.history, highest[:, None]], dim=1),
        )

    def promises(self, steps: int, max_steps: int) -> dict[Place, float]:
        """Return about the best validation objective that each may still reach.

        Objectives grow about as much from one doubling of the steps to the next, or
        less. So what was gained since half the steps is granted for every doubling
        that is left. Infinite before there is a half to compare with.
        """
        reports = self.history.shape[1]
        if reports < 2:
            return dict.fromkeys(self.places, math.inf)
        gain = self.best_validation - self.history[:, reports // 2 - 1]
        reach = self.best_validation + math.log2(max_steps / steps) * gain
        return dict(zip(self.places, reach.tolist(), strict=True))

    def resting(self, places: Collection[Place]) -> "Team":
        """Return the team in which those at these places move no more."""
        moving = [place not in places for place in self.places]
        rates = self.rates * torch.tensor(moving, device=self.rates.device)
        return replace(self, rates=rates)

    def keep(self, places: Sequence[Place]) -> "Team":
        """Return the team of those at these places."""
        kept = [self.places.index(place) for place in places]
        return replace(
            self,
            rates=self.rates[kept],
            parameters=self.parameters.select(kept),
            memory=tuple(m[kept] for m in self.memory),
            best=self.best.select(kept),
            best_validation=self.best_validation[kept],
            history=self.history[kept],
            places=tuple(places),
        )

    def scores(self) -> dict[Place, float]:
        """Return the best validation objective of each place."""
        return dict(zip(self.places, self.best_validation.tolist(), strict=True))


def initial_team(start: Start, *, folds: int) -> Team:
    """Return a team before its first step; every candidate appears on every fold."""
    device = start.critic.tensors()[0].device
    parameters = start.method.restored(start.critic)
    count = len(start.rates)
    return Team(
        method=start.method,
        rates=torch.tensor([*start.rates] * folds, device=device),
        batch_size=start.batch_size,
        parameters=parameters,
        memory=start.method.initial_memory(parameters),
        best=mapped(start.method.effective(parameters), torch.clone),
        best_validation=torch.full((folds * count,), -torch.inf, device=device),
        history=torch.empty(folds * count, 0, device=device),
        places=tuple((f, j) for f in range(folds) for j in range(count)),
        most_parts=start.most_parts,
        jitter=start.jitter,
    )


def united(teams: Sequence[Team], starts: Sequence[int]) -> Team:
    """Return the members of teams of one shape as one team.

    Args:
        teams: In their order.
        starts: Number that the first fold of each team has from now on.
    """
    first, *others = teams
    memories = zip(*(team.memory for team in teams), strict=True)
    return replace(
        first,
        rates=torch.cat([team.rates for team in teams]),
        parameters=first.parameters.united([team.parameters for team in others]),
        memory=tuple(torch.cat(same) for same in memories),
        best=first.best.united([team.best for team in others]),
        best_validation=torch.cat([team.best_validation for team in teams]),
        history=torch.cat([team.history for team in teams]),
        jitter=tuple(length for team in teams for length in team.jitter),
        places=tuple(
            (start + fold, candidate)
            for team, start in zip(teams, starts, strict=False)
            for fold, candidate in team.places
        ),
    )
