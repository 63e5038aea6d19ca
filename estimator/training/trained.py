"""From a partition to each fold's critics: certified, chosen on validation alone."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from kantor.estimator import pack
from kantor.estimator.config import EstimateConfig
from kantor.estimator.critics import PROFILES, fitted_families
from kantor.estimator.evidence.certified import EvaluatedCritic, evaluated
from kantor.estimator.recipe import Recipe
from kantor.estimator.result import CurvePoint, Progress, StopReason
from kantor.estimator.samples.folds import Partition, fingerprint_of
from kantor.estimator.training import checkpoint
from kantor.estimator.training.crew import present_crew
from kantor.estimator.training.data import REPORT_ROWS, TrainingData, training_data
from kantor.estimator.training.loop import TrainingState, initial_state, train
from kantor.estimator.training.objective import dual_objective
from kantor.estimator.training.portfolio import (
    Portfolio,
    initial_portfolio,
    leading_teams,
)
from kantor.estimator.training.race import Bar
from kantor.estimator.training.remainder import going_on
from kantor.models.critic import Critic


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
    data = training_data(partition, asked, device, batch_size=recipe.largest_batch)
    candidates = fitted_choices(data, asked)
    fitted = [max(choices, key=score_of) for choices in candidates]
    bars = [
        Bar(choice.score, noise_of(choice.critic, data, partition, fold))
        for fold, choice in enumerate(fitted)
    ]
    crew = present_crew(device)
    folds = folds_to_train(data, candidates, bars, recipe, asked)
    folds = list(crew.of_first(bytes(folds)))
    portfolio = restricted(initial_portfolio(data, recipe, asked), folds)
    state = initial_state(portfolio, recipe.steps, adaptive=asked.folds == 1)
    if not portfolio:
        point = curve_of_fitted(fitted, data)
        state = replace(state, curve=(point,))
        on_progress(Progress(step=0, max_steps=recipe.steps, point=point))
    fingerprint = fingerprint_of(partition, asked)
    if resume_from is not None:
        state = checkpoint.from_bytes(resume_from, state, fingerprint)
    before = state

    def of_first(reached: TrainingState) -> TrainingState:
        document = crew.of_first(checkpoint.to_bytes(reached, fingerprint))
        return checkpoint.from_bytes(document, before, fingerprint)

    state, stop_reason = train(
        state,
        data,
        bars,
        on_progress=on_progress,
        should_stop=should_stop,
        checkpoint=lambda reached: checkpoint.to_bytes(reached, fingerprint),
        crew=crew,
        rejoin=None if crew.size == 1 else of_first,
    )
    pack.leave()
    chosen, last = list(fitted), list(fitted)
    for fold, family, team in leading_teams(state.portfolio):
        score = float(team.best_validation)
        last[fold] = Choice(score, family, team.effective())
        if score > chosen[fold].score:
            chosen[fold] = Choice(score, family, team.best)
    return Trained(
        chosen=tuple(evaluated(c.critic, c.family) for c in chosen),
        last=tuple(evaluated(c.critic, c.family) for c in last),
        curve=state.curve,
        steps=state.step,
        stop_reason=stop_reason,
        checkpoint=lambda: checkpoint.to_bytes(state, fingerprint),
    )


@dataclass(frozen=True)
class Choice:
    """A critic, its family, and its validation objective."""

    score: float
    family: str
    critic: Critic


def score_of(choice: Choice) -> float:
    """Return the validation objective, for sorting."""
    return choice.score


def fitted_choices(data: TrainingData, asked: EstimateConfig) -> list[list[Choice]]:
    """Return what is fitted at once, of all families, fold by fold."""
    found: list[list[Choice]] = [[] for _ in range(asked.folds)]
    for family in fitted_families(asked.critic):
        for fold, critics in enumerate(family.fitted(data, norm=asked.norm)):
            found[fold] += [
                Choice(validation_of(critic, data, fold), family.name, critic)
                for critic in critics
            ]
    return found


def folds_to_train(
    data: TrainingData,
    candidates: list[list[Choice]],
    bars: list[Bar],
    recipe: Recipe,
    asked: EstimateConfig,
) -> list[int]:
    """Return the folds whose best profile leaves something to find.

    All of them where there are no profiles, and where everything shall be tried.
    """
    profiles = [[c for c in fold if c.family == PROFILES.name] for fold in candidates]
    if not recipe.may_settle or not all(profiles):
        return list(range(asked.folds))
    potentials = [
        PROFILES.potential(max(choices, key=score_of).critic) for choices in profiles
    ]
    going = going_on(data, potentials, bars, recipe, asked)
    return [fold for fold, goes in enumerate(going) if goes]


def restricted(portfolio: Portfolio, folds: list[int]) -> Portfolio:
    """Return the teams without their members on other folds."""
    places = {
        name: [place for place in team.places if place[0] in folds]
        for name, team in portfolio.items()
    }
    return {name: portfolio[name].keep(kept) for name, kept in places.items() if kept}


def curve_of_fitted(fitted: list[Choice], data: TrainingData) -> CurvePoint:
    """Return the one point of a curve where nothing is trained."""
    x, y = data.heads(REPORT_ROWS)
    seen = [
        float(dual_objective(choice.critic, x[[fold]], y[[fold]], [0]))
        for fold, choice in enumerate(fitted)
    ]
    return CurvePoint(
        step=0,
        elapsed_s=0.0,
        train=data.unit * sum(seen) / len(seen),
        validation=data.unit * sum(map(score_of, fitted)) / len(fitted),
        learning_rate=0.0,
    )


def noise_of(
    critic: Critic, data: TrainingData, partition: Partition, fold: int
) -> float:
    """Return about the standard error of an estimate from a fold's test samples.

    By the spread of a critic's values on validation samples.
    """
    tests = partition.folds[fold].x.test, partition.folds[fold].y.test
    validation = data.validation_x[fold], data.validation_y[fold]
    variances = [
        float(critic(samples).var()) / len(test)
        for samples, test in zip(validation, tests, strict=True)
    ]
    return math.sqrt(sum(variances))


def validation_of(critic: Critic, data: TrainingData, fold: int) -> float:
    """Return the dual objective of one critic on a fold's validation samples."""
    one = slice(fold, fold + 1)
    return float(
        dual_objective(critic, data.validation_x[one], data.validation_y[one], [0])
    )
