"""The portfolio: which critics compete, and what they start from."""

import torch
from torch import Tensor

from kantor.estimator.config import EstimateConfig
from kantor.estimator.recipe import (
    competing_group_sizes,
    cone_batch_size,
    network_batch_size,
)
from kantor.estimator.training.batches import FoldBatches
from kantor.estimator.training.loop import Problem, TrainingState
from kantor.estimator.training.methods import CONE_RATES, cone_method, network_method
from kantor.estimator.training.objective import dual_objective
from kantor.estimator.training.teams import Team, initial_team, leader
from kantor.models.activations import Activation
from kantor.models.cones import initial_cones
from kantor.models.critic import Critic, Norm, mapped
from kantor.models.network import Path, affine_network, initial_network

PEAKS, VALLEYS = -1, 1

MEAN_ROWS = 100_000
"""Fit samples of a side whose mean is looked at, at most."""

NETWORK_PATHS: dict[str, Path] = {"l1": "linf", "mixed": "mixed"}
"""Norms between layers, by constraint; l2 for the others."""


def initial_teams(
    problem: Problem, settings: EstimateConfig, *, folds: int, dim: int
) -> list[Team]:
    """Return the teams that a configuration lets compete."""
    generator = torch.Generator().manual_seed(settings.seed)
    teams = []
    if settings.critic != "cones":
        teams.append(network_team(problem, settings, generator, folds=folds, dim=dim))
    if settings.critic != "network":
        teams.append(cone_team(problem, settings, folds=folds))
    return teams


def network_team(
    problem: Problem,
    settings: EstimateConfig,
    generator: torch.Generator,
    *,
    folds: int,
    dim: int,
) -> Team:
    """Return networks of one shape, one candidate per competing activation."""
    assert settings.width is not None
    assert settings.depth is not None
    assert settings.learning_rate is not None
    method = network_method(settings)
    activations = [
        Activation(settings.activation, size)
        for size in competing_group_sizes(settings)
    ]
    network = initial_network(
        dim,
        width=settings.width,
        depth=settings.depth,
        activations=tuple(activations * folds),
        generator=generator,
        path=NETWORK_PATHS.get(settings.chosen_constraint, "l2"),
    )
    placed = mapped(network, lambda p: p.to(problem.validation_x.device))
    rates = [settings.learning_rate] * len(activations)
    return initial_team(
        placed,
        method,
        rates=rates,
        batch_size=network_batch_size(settings),
        folds=folds,
    )


def cone_team(problem: Problem, settings: EstimateConfig, *, folds: int) -> Team:
    """Return peaks centered at source samples and valleys at target ones, at each rate.

    Where the optimal potential has few peaks and many valleys, or the other way round,
    one of them needs far fewer cones; which, is for validation to say.
    """
    assert settings.cones is not None
    source, target = (
        side.head(settings.cones) for side in (problem.source, problem.target)
    )
    count = min(source.shape[1], target.shape[1])
    ends = (source[:, :count], target[:, :count])
    centers = torch.stack([end for end in ends for _ in CONE_RATES], dim=1)
    signs = tuple(sign for sign in (PEAKS, VALLEYS) for _ in CONE_RATES)
    cones = initial_cones(
        centers.flatten(0, 1), signs=signs * folds, norm=settings.norm
    )
    return initial_team(
        cones,
        cone_method(cones.dim),
        rates=CONE_RATES * 2,
        batch_size=cone_batch_size(settings),
        folds=folds,
    )


def chosen_critics(state: TrainingState, problem: Problem, norm: Norm) -> list[Critic]:
    """Return each fold's best trained critic, or the affine one if it validates better.

    The affine critic along the difference of the fit means costs nothing, and where the
    distributions differ by a translation, in many dimensions, no other does as well.
    """
    directions = mean_difference(problem.source, problem.target)
    return [
        _better(leader(state.racing, fold), affine_network(v, norm), problem, fold)
        for fold, v in enumerate(directions)
    ]


def _better(winner: Team, affine: Critic, problem: Problem, fold: int) -> Critic:
    one = slice(fold, fold + 1)
    objective = dual_objective(
        affine, problem.validation_x[one], problem.validation_y[one], [0]
    )
    return affine if float(objective) > float(winner.best_validation) else winner.best


def mean_difference(source: FoldBatches, target: FoldBatches) -> Tensor:
    """Return the difference (F, d) of the fit means."""
    return source.head(MEAN_ROWS).mean(1) - target.head(MEAN_ROWS).mean(1)


def last_critic(state: TrainingState, fold: int) -> Critic:
    """Return the fold's leading critic as its last step left it."""
    return leader(state.racing, fold).effective()
