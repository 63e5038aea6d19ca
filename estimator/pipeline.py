"""The estimation from samples to `Estimate`, in the order of its guarantees.

Check and split the samples; scale by what the fit part shows; train critics on fit and
choose by validation; freeze the choice, certify it in float64; only then look at test.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from estimator import checkpoint
from estimator.batches import Batches
from estimator.bounds import standard_error
from estimator.bracket import sample_bracket
from estimator.config import EstimateConfig
from estimator.devices import choose_device, describe
from estimator.effort import competing_group_sizes, resolved
from estimator.evaluation import EvaluatedCritic, certificate, evaluated
from estimator.held_out import critic_file, held_out_values
from estimator.methods import Method, method_for
from estimator.objective import dual_objective
from estimator.provenance import versions
from estimator.result import CurvePoint, Estimate, Progress, StopReason
from estimator.samples import check_pair
from estimator.scaling import FIT_ROWS
from estimator.sides import Samples, Sides, fingerprint_of, split_sides
from estimator.split import Indices
from estimator.training import (
    REPORT_ROWS,
    Problem,
    TrainingState,
    initial_state,
    train,
)
from estimator.warnings import warnings_of
from models.critic import Critic, affine_critic, initial_critic


def estimate_w1(
    x: object,
    y: object,
    config: EstimateConfig | None = None,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    resume_from: bytes | None = None,
) -> Estimate:
    """Estimate W1 between the distributions behind two samples, from below.

    Args:
        x: Source samples (n, d) or (n,), array-like or memory-mapped.
        y: Target samples (m, d) or (m,).
        config: Settings; the defaults need no tuning.
        on_progress: Called at every report of the training.
        should_stop: Asked before every step; true ends the estimation.
        resume_from: Checkpoint of an `EstimationStopped` on the same samples, settings.

    Returns:
        The estimate with its bounds, certificate and training curve. Not guaranteed:
        that it is close to W1, which depends on what the critic found. The bounds hold
        all the same.

    Raises:
        InvalidInput: Samples or settings are unusable; names the field.
        EstimationStopped: `should_stop` answered true before the end.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x, y = rng.normal(size=(500, 2)), rng.normal(size=(500, 2)) + 1.0
        >>> estimate_w1(x, y).lower_bound <= 2**0.5
        True
    """
    started = time.monotonic()
    source, target = check_pair(x, y)
    settings = resolved(config or EstimateConfig())
    device = choose_device(settings.device)
    sides = split_sides(source, target, settings)
    trained = train_critics(
        sides,
        settings,
        device,
        on_progress=on_progress or (lambda progress: None),
        should_stop=should_stop or (lambda: False),
        resume_from=resume_from,
    )
    return assembled(trained, sides, settings, device, started)


@dataclass(frozen=True)
class Trained:
    """What training hands over: two certified critics, and how it went.

    Attributes:
        chosen: The critic with the best validation objective; it alone meets test.
        final: The critic of the last step, fitted further; for the given samples only.
    """

    chosen: EvaluatedCritic
    final: EvaluatedCritic
    curve: tuple[CurvePoint, ...]
    steps: int
    stop_reason: StopReason


def train_critics(
    sides: Sides,
    settings: EstimateConfig,
    device: torch.device,
    *,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
    resume_from: bytes | None,
) -> Trained:
    """Train, or go on training, and certify what came out of it."""
    method = method_for(settings)
    state = initial_training(sides, settings, method, device)
    fingerprint = fingerprint_of(sides, settings)
    if resume_from is not None:
        state = checkpoint.from_bytes(resume_from, state, fingerprint)
    problem = training_problem(sides, settings, device)
    state, stop_reason = train(
        state,
        problem,
        method,
        on_progress=on_progress,
        should_stop=should_stop,
        checkpoint=lambda reached: checkpoint.to_bytes(reached, fingerprint),
    )
    return Trained(
        chosen=evaluated(best_candidate(state, problem)),
        final=evaluated(leader(method.effective(state.parameters), state)),
        curve=state.curve,
        steps=state.step,
        stop_reason=stop_reason,
    )


def assembled(
    trained: Trained,
    sides: Sides,
    settings: EstimateConfig,
    device: torch.device,
    started: float,
) -> Estimate:
    """Evaluate the chosen critic on test and put the answer together."""
    chosen, unit = trained.chosen, sides.scaler.unit
    held_out = held_out_values(chosen, sides)
    bounds = held_out.bounds(settings.confidence)
    bracket: tuple[float | None, float | None, str] = (None, None, "not asked for")
    if settings.sample_bounds:
        bracket = sample_bracket([chosen, trained.final], sides)
    architecture = {
        "depth": len(chosen.critic.biases),
        "group_size": chosen.critic.group_sizes[0],
    }
    return Estimate(
        estimate=unit * held_out.difference,
        standard_error=unit * standard_error(held_out.x, held_out.y),
        lower_bound=unit * bounds[settings.bound_method].lower,
        confidence=settings.confidence,
        bound_method=settings.bound_method,
        lower_bounds={name: unit * bound.lower for name, bound in bounds.items()},
        p_value=bounds[settings.bound_method].p_value,
        sample_lower_bound=bracket[0],
        sample_upper_bound=bracket[1],
        sample_upper_bound_reason=bracket[2],
        certificate=certificate(chosen),
        curve=list(trained.curve),
        stop_reason=trained.stop_reason,
        steps=trained.steps,
        elapsed_s=time.monotonic() - started,
        n_source=len(sides.x),
        n_target=len(sides.y),
        dim=sides.x.shape[1],
        seed=settings.seed,
        device=describe(device),
        config=settings.to_dict() | architecture,
        versions=versions(),
        warnings=warnings_of(
            sides.x,
            sides.y,
            settings,
            trained.stop_reason,
            n_test=min(len(held_out.x), len(held_out.y)),
        ),
        critic=critic_file(chosen, sides, held_out).to_bytes(),
    )


def initial_training(
    sides: Sides, settings: EstimateConfig, method: Method, device: torch.device
) -> TrainingState:
    """Draw the critic that training starts from."""
    assert settings.width is not None
    assert settings.depth is not None
    assert settings.steps is not None
    critic = initial_critic(
        sides.x.shape[1],
        width=settings.width,
        depth=settings.depth,
        group_sizes=competing_group_sizes(settings),
        generator=torch.Generator().manual_seed(settings.seed),
    )
    return initial_state(critic.map(lambda p: p.to(device)), method, settings.steps)


def training_problem(
    sides: Sides, settings: EstimateConfig, device: torch.device
) -> Problem:
    """Gather what training looks at: fit batches and validation samples."""
    assert settings.batch_size is not None
    assert settings.learning_rate is not None

    def batches(
        samples: Samples, rows: Indices, batch_size: int, stream: int
    ) -> Batches:
        seed = int(np.random.default_rng([settings.seed, stream]).integers(2**62))
        return Batches(
            samples, rows, sides.scaler, batch_size=batch_size, seed=seed, device=device
        )

    return Problem(
        source=batches(sides.x, sides.split_x.fit, settings.batch_size, 1),
        target=batches(sides.y, sides.split_y.fit, settings.batch_size, 2),
        validation_x=batches(
            sides.x, sides.split_x.validation[:REPORT_ROWS], REPORT_ROWS, 3
        ).batch(0),
        validation_y=batches(
            sides.y, sides.split_y.validation[:REPORT_ROWS], REPORT_ROWS, 4
        ).batch(0),
        unit=sides.scaler.unit,
        learning_rate=settings.learning_rate,
    )


def leader(critics: Critic, state: TrainingState) -> Critic:
    """Return the member whose best validation objective is the highest."""
    return critics.member(int(state.best_validation.argmax()))


def best_candidate(state: TrainingState, problem: Problem) -> Critic:
    """Return the best trained critic, or the affine one where that validates better.

    The affine critic along the difference of the fit means costs nothing, and where the
    distributions differ by a translation, in many dimensions, no other does as well.
    """
    source_mean = problem.source.head(FIT_ROWS).mean(0)
    affine = affine_critic(source_mean - problem.target.head(FIT_ROWS).mean(0))
    objective = dual_objective(affine, problem.validation_x, problem.validation_y)
    if float(objective) > float(state.best_validation.max()):
        return affine
    return leader(state.best, state)
