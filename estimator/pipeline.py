"""The estimation from samples to `Estimate`, in the order of its guarantees.

Check and split the samples; scale by what the fit part shows; train critics on fit and
choose by validation; freeze the choice, certify it in float64; only then look at test.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from kantor.estimator.cautions import warnings_of
from kantor.estimator.config import BoundMethod, EstimateConfig
from kantor.estimator.devices import choose_device, describe
from kantor.estimator.errors import EstimationStopped
from kantor.estimator.evidence import bounds
from kantor.estimator.evidence.bracket import sample_bracket
from kantor.estimator.evidence.certified import EvaluatedCritic, certificate, evaluated
from kantor.estimator.evidence.held_out import (
    Witness,
    critic_file,
    held_out,
    witness_of,
)
from kantor.estimator.provenance import versions
from kantor.estimator.recipe import (
    PRESETS,
    cone_batch_size,
    network_batch_size,
    resolved,
)
from kantor.estimator.result import CurvePoint, Estimate, Progress, StopReason
from kantor.estimator.samples.folds import Sides, fingerprint_of, split_sides
from kantor.estimator.samples.pair import check_pair
from kantor.estimator.training import checkpoint
from kantor.estimator.training.data import training_problem
from kantor.estimator.training.loop import initial_state, train
from kantor.estimator.training.portfolio import (
    chosen_critics,
    initial_teams,
    last_critic,
)
from kantor.estimator.witness.differences import differences_of
from kantor.models.cones import Cones
from kantor.models.network import Network

BOUND_METHODS: dict[BoundMethod, Callable[..., bounds.MeanBound]] = {
    "betting": bounds.betting_bound,
    "bernstein": bounds.bernstein_bound,
    "student": bounds.student_bound,
}


def estimate_w1(
    x: object,
    y: object,
    config: EstimateConfig | None = None,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    resume_from: bytes | None = None,
    source_weights: object = None,
    target_weights: object = None,
) -> Estimate:
    """Estimate W1 between the distributions behind two samples, from below.

    Args:
        x: Source samples (n, d) or (n,), array-like or memory-mapped.
        y: Target samples (m, d) or (m,).
        config: Settings; the defaults need no tuning.
        on_progress: Called at every report of the training.
        should_stop: Asked before every step; true ends the estimation.
        resume_from: Checkpoint of an `EstimationStopped` on the same samples, settings.
        source_weights: Weights (n,) of the source samples, None for equal ones: row i
            stands for a share w_i / sum w of P. Only ratios matter.
        target_weights: Weights (m,) of the target samples.

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
    pair = check_pair(x, y, source_weights, target_weights)
    settings = resolved(config or EstimateConfig())
    device = choose_device(settings.device)
    folds = split_sides(pair, settings)
    stopping = should_stop or (lambda: False)
    trained = train_critics(
        folds,
        settings,
        device,
        on_progress=on_progress or (lambda progress: None),
        should_stop=stopping,
        resume_from=resume_from,
    )
    return assembled(
        trained, folds, settings, device, should_stop=stopping, started=started
    )


@dataclass(frozen=True)
class Trained:
    """What training hands over: two certified critics a fold, and how it went.

    Attributes:
        chosen: The critics with the best validation objective; they alone meet test.
        last: The leaders as the last step left them, fitted further; for the given
            samples only.
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
    folds: list[Sides],
    settings: EstimateConfig,
    device: torch.device,
    *,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
    resume_from: bytes | None,
) -> Trained:
    """Train, or go on training, and certify what came out of it."""
    assert settings.steps is not None
    problem = training_problem(folds, settings, device)
    teams = initial_teams(problem, settings, folds=len(folds), dim=folds[0].pair.dim)
    state = initial_state(teams, settings.steps, adaptive=len(folds) == 1)
    fingerprint = fingerprint_of(folds, settings)
    if resume_from is not None:
        state = checkpoint.from_bytes(resume_from, state, fingerprint)
    state, stop_reason = train(
        state,
        problem,
        on_progress=on_progress,
        should_stop=should_stop,
        checkpoint=lambda reached: checkpoint.to_bytes(reached, fingerprint),
    )
    chosen = chosen_critics(state, problem, settings.norm)
    return Trained(
        chosen=tuple(evaluated(critic) for critic in chosen),
        last=tuple(evaluated(last_critic(state, f)) for f in range(len(folds))),
        curve=state.curve,
        steps=state.step,
        stop_reason=stop_reason,
        checkpoint=lambda: checkpoint.to_bytes(state, fingerprint),
    )


def assembled(
    trained: Trained,
    folds: list[Sides],
    settings: EstimateConfig,
    device: torch.device,
    *,
    should_stop: Callable[[], bool],
    started: float,
) -> Estimate:
    """Evaluate the chosen critics on test and put the answer together."""
    pair, common = folds[0].pair, folds[0].scaler
    unit = common.unit
    witnesses = [
        witness_of(critic, sides)
        for critic, sides in zip(trained.chosen, folds, strict=True)
    ]
    held = [held_out(witness, common) for witness in witnesses]
    parts = [h.values for h in held]
    found = {
        name: method(parts, confidence=settings.confidence)
        for name, method in BOUND_METHODS.items()
    }
    bracket = given_samples(witnesses, trained, settings, should_stop)
    critic, first = critic_file(witnesses[0], held[0]), witnesses[0]
    return Estimate(
        estimate=unit * bounds.mean_difference(parts),
        standard_error=unit * bounds.standard_error(parts),
        lower_bound=unit * found[settings.bound_method].lower,
        confidence=settings.confidence,
        bound_method=settings.bound_method,
        lower_bounds={name: unit * bound.lower for name, bound in found.items()},
        p_value=found[settings.bound_method].p_value,
        detectable_distance=unit * found[settings.bound_method].detectable,
        sample_lower_bound=bracket[0],
        sample_upper_bound=bracket[1],
        sample_upper_bound_reason=bracket[2],
        critic_family=trained.chosen[0].family,
        certificate=certificate(trained.chosen[0]),
        curve=list(trained.curve),
        stop_reason=trained.stop_reason,
        steps=trained.steps,
        elapsed_s=time.monotonic() - started,
        n_source=len(pair.x),
        n_target=len(pair.y),
        dim=pair.dim,
        seed=settings.seed,
        device=describe(device),
        config=settings.to_dict() | winning_settings(trained.chosen[0], settings),
        versions=versions(),
        warnings=warnings_of(folds, settings, trained.stop_reason),
        differences=differences_of(
            critic, pair, first.x, first.y, norm=settings.norm, seed=settings.seed
        ),
        critic=critic.to_bytes(),
    )


def given_samples(
    witnesses: list[Witness],
    trained: Trained,
    settings: EstimateConfig,
    should_stop: Callable[[], bool],
) -> tuple[float | None, float | None, str]:
    """Bracket W1 between the given samples, if that is asked for.

    Raises:
        EstimationStopped: `should_stop` answered true; with the state of training.
    """
    if not settings.sample_bounds:
        return None, None, "not asked for"
    sides = [witness.sides for witness in witnesses]
    last = [witness_of(c, s) for c, s in zip(trained.last, sides, strict=True)]
    try:
        return sample_bracket(
            [*witnesses, *last],
            norm=settings.norm,
            seed=settings.seed,
            sweeps=PRESETS[settings.effort]["sweeps"],
            should_stop=should_stop,
        )
    except EstimationStopped as stopped:
        raise EstimationStopped(trained.checkpoint()) from stopped


def winning_settings(
    winner: EvaluatedCritic, settings: EstimateConfig
) -> dict[str, int]:
    """Return the settings that the winner of the portfolio stands for."""
    critic = winner.critic
    if isinstance(critic, Cones):
        return {
            "cones": critic.centers.shape[1],
            "batch_size": cone_batch_size(settings),
        }
    assert isinstance(critic, Network)
    return {
        "batch_size": network_batch_size(settings),
        "depth": len(critic.biases),
        "group_size": critic.activations[0].group_size,
    }
