"""From a partition to each fold's critics: certified, chosen on validation alone."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from kantor.estimator.config import EstimateConfig
from kantor.estimator.critics import FITTED
from kantor.estimator.evidence.certified import EvaluatedCritic, evaluated
from kantor.estimator.recipe import Recipe
from kantor.estimator.result import CurvePoint, Progress, StopReason
from kantor.estimator.samples.folds import Partition, fingerprint_of
from kantor.estimator.training import checkpoint
from kantor.estimator.training.data import TrainingData, training_data
from kantor.estimator.training.loop import TrainingState, initial_state, train
from kantor.estimator.training.objective import dual_objective
from kantor.estimator.training.portfolio import initial_portfolio, leading_teams
from kantor.models.critic import Critic
from kantor.models.vocabulary import Norm


@dataclass(frozen=True)
class Trained:
    """What training hands over: two certified critics a fold, and how it went.

    Attributes:
        chosen: The critics with the best validation objective; they alone meet test.
        last: The leaders as the last step left them, fitted further; for the given
            samples only.
        curve: Reports of the training.
        steps: Steps taken.
        stop_reason: Why it ended.
        checkpoint: Returns the state at the end, so that no training is lost when what
            follows is stopped.
    """

    chosen: tuple[EvaluatedCritic, ...]
    last: tuple[EvaluatedCritic, ...]
    curve: tuple[CurvePoint, ...]
    steps: int
    stop_reason: StopReason
    checkpoint: Callable[[], bytes]


def train_critics(
    partition: Partition,
    asked: EstimateConfig,
    recipe: Recipe,
    device: torch.device,
    *,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
    resume_from: bytes | None,
) -> Trained:
    """Train, or go on training, and certify what came out of it.

    Raises:
        EstimationStopped: `should_stop` answered true.
        InvalidInput: `resume_from` is no checkpoint of these samples and settings.
    """
    largest = max(recipe.networks.batch_size, recipe.cones.batch_size)
    data = training_data(partition, asked, device, batch_size=largest)
    portfolio = initial_portfolio(data, recipe, asked)
    state = initial_state(portfolio, recipe.steps, adaptive=asked.folds == 1)
    fingerprint = fingerprint_of(partition, asked)
    if resume_from is not None:
        state = checkpoint.from_bytes(resume_from, state, fingerprint)
    state, stop_reason = train(
        state,
        data,
        on_progress=on_progress,
        should_stop=should_stop,
        checkpoint=lambda reached: checkpoint.to_bytes(reached, fingerprint),
    )
    return Trained(
        chosen=tuple(
            evaluated(critic, family)
            for family, critic in chosen_critics(state, data, asked.norm)
        ),
        last=tuple(
            evaluated(team.effective(), family)
            for family, team in leading_teams(state.portfolio)
        ),
        curve=state.curve,
        steps=state.step,
        stop_reason=stop_reason,
        checkpoint=lambda: checkpoint.to_bytes(state, fingerprint),
    )


def chosen_critics(
    state: TrainingState, data: TrainingData, norm: Norm
) -> list[tuple[str, Critic]]:
    """Return each fold's best critic on validation, and its family."""
    best = [
        (float(team.best_validation), family, team.best)
        for family, team in leading_teams(state.portfolio)
    ]
    for family in FITTED:
        for fold, candidates in enumerate(family.fitted(data, norm=norm)):
            for critic in candidates:
                found = validation_of(critic, data, fold)
                if found > best[fold][0]:
                    best[fold] = (found, family.name, critic)
    return [(family, critic) for _, family, critic in best]


def validation_of(critic: Critic, data: TrainingData, fold: int) -> float:
    """Return the dual objective of one critic on a fold's validation samples."""
    one = slice(fold, fold + 1)
    return float(
        dual_objective(critic, data.validation_x[one], data.validation_y[one], [0])
    )
