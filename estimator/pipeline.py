"""The estimation from samples to `Estimate`, in the order of its guarantees.

Check and split the samples; scale by what the fit part shows; train critics on fit and
choose by validation; freeze the choice, certify it in float64; only then look at test.
"""

import hashlib
import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from estimator import checkpoint
from estimator.batches import Batches
from estimator.bounds import (
    MeanBound,
    bernstein_bound,
    betting_bound,
    standard_error,
    student_bound,
)
from estimator.config import EstimateConfig
from estimator.coupling import MAX_COST_ENTRIES, exact_upper_bound
from estimator.devices import choose_device, describe
from estimator.effort import competing_group_sizes, resolved
from estimator.evaluation import (
    FORWARD_ROUNDING,
    EvaluatedCritic,
    certificate,
    evaluated,
)
from estimator.methods import Method, method_for
from estimator.objective import dual_objective
from estimator.result import Estimate, Progress
from estimator.samples import check_pair
from estimator.scaling import Scaler, fit_scaler
from estimator.scoring import CriticFile
from estimator.split import Split, random_split
from estimator.training import (
    REPORT_ROWS,
    Problem,
    TrainingState,
    initial_state,
    train,
)
from estimator.warnings import warnings_of
from models.critic import Critic, affine_critic, initial_critic

Array = NDArray[np.float64]
Samples = NDArray[np.generic]


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
        on_progress=on_progress or (lambda progress: None),
        should_stop=should_stop or (lambda: False),
        checkpoint=lambda reached: checkpoint.to_bytes(reached, fingerprint),
    )
    chosen = evaluated(best_candidate(state, problem))
    final = evaluated(leader(method.effective(state.parameters), state))
    held_out = held_out_values(chosen, sides)
    bounds = held_out.bounds(settings.confidence)
    unit = sides.scaler.unit
    lower, upper, reason = sample_bracket([chosen, final], sides, settings)
    return Estimate(
        estimate=unit * held_out.difference,
        standard_error=unit * standard_error(held_out.x, held_out.y),
        lower_bound=unit * bounds[settings.bound_method].lower,
        confidence=settings.confidence,
        bound_method=settings.bound_method,
        lower_bounds={name: unit * bound.lower for name, bound in bounds.items()},
        p_value=bounds[settings.bound_method].p_value,
        sample_lower_bound=lower,
        sample_upper_bound=upper,
        sample_upper_bound_reason=reason,
        certificate=certificate(chosen),
        curve=list(state.curve),
        stop_reason=stop_reason,
        steps=state.step,
        elapsed_s=time.monotonic() - started,
        n_source=len(source),
        n_target=len(target),
        dim=source.shape[1],
        seed=settings.seed,
        device=describe(device),
        config=settings.to_dict()
        | {
            "depth": len(chosen.critic.biases),
            "group_size": chosen.critic.group_sizes[0],
        },
        versions=versions(),
        warnings=warnings_of(
            sides.x, sides.y, settings, stop_reason, n_test=len(held_out.x)
        ),
        critic=critic_file(chosen, sides.scaler, held_out).to_bytes(),
    )


@dataclass(frozen=True)
class Sides:
    """Both sample arrays, their splits, and the scaler fitted on the fit parts."""

    x: Samples
    y: Samples
    split_x: Split
    split_y: Split
    scaler: Scaler


def split_sides(x: Samples, y: Samples, settings: EstimateConfig) -> Sides:
    """Split both sides at random and fit the scaler on the fit parts."""
    rng = np.random.default_rng([settings.seed, 0])
    split_x, split_y = random_split(len(x), rng), random_split(len(y), rng)
    rows = 100_000
    scaler = fit_scaler(x[split_x.fit[:rows]], y[split_y.fit[:rows]], settings.scaling)
    return Sides(x, y, split_x, split_y, scaler)


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

    def batches(samples: Samples, rows: Any, batch_size: int, stream: int) -> Batches:
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
    rows = 100_000
    means = (problem.source.head(rows).mean(0), problem.target.head(rows).mean(0))
    affine = affine_critic(means[0] - means[1])
    objective = dual_objective(affine, problem.validation_x, problem.validation_y)
    if float(objective) > float(state.best_validation.max()):
        return affine
    return leader(state.best, state)


@dataclass(frozen=True)
class HeldOut:
    """Clamped critic values of the test samples over L, in scaled units.

    The clamp range [low, high] comes from fit and validation samples alone, so the test
    samples meet a function that was fixed before, bounded, and still 1-Lipschitz.
    """

    x: Array
    y: Array
    low: float
    high: float

    @property
    def difference(self) -> float:
        """Mean difference between source and target."""
        return float(self.x.mean() - self.y.mean())

    def bounds(self, confidence: float) -> dict[str, MeanBound]:
        """Bound the expected difference by every method."""
        args = {"value_range": self.high - self.low, "confidence": confidence}
        return {
            "betting": betting_bound(self.x, self.y, **args),
            "bernstein": bernstein_bound(self.x, self.y, **args),
            "student": student_bound(self.x, self.y, confidence=confidence),
        }


def held_out_values(chosen: EvaluatedCritic, sides: Sides) -> HeldOut:
    """Evaluate the chosen critic: its range on fit and validation, then test, once."""

    def values(samples: Samples, *parts: Any) -> Array:
        chunks = [chosen.values(samples[part], sides.scaler) for part in parts]
        return np.concatenate(chunks) / chosen.lipschitz_bound

    seen_x = values(sides.x, sides.split_x.fit, sides.split_x.validation)
    seen_y = values(sides.y, sides.split_y.fit, sides.split_y.validation)
    low = float(min(seen_x.min(), seen_y.min()))
    high = float(max(seen_x.max(), seen_y.max()))
    return HeldOut(
        x=np.clip(values(sides.x, sides.split_x.test), low, high),
        y=np.clip(values(sides.y, sides.split_y.test), low, high),
        low=low,
        high=high,
    )


def sample_bracket(
    critics: list[EvaluatedCritic], sides: Sides, settings: EstimateConfig
) -> tuple[float | None, float | None, str]:
    """Bracket W1 between the given samples: (lower, upper or None, how or why not)."""
    if not settings.sample_bounds:
        return None, None, "not asked for"
    lower = max(sample_lower_bound(critic, sides) for critic in critics)
    entries = len(sides.x) * len(sides.y)
    if entries > MAX_COST_ENTRIES:
        return (
            lower,
            None,
            (f"exact transport needs n * m <= {MAX_COST_ENTRIES:,}, got {entries:,}"),
        )
    scaled, reason = exact_upper_bound(sides.scaler(sides.x), sides.scaler(sides.y))
    return lower, scaled * sides.scaler.unit, reason


def sample_lower_bound(critic: EvaluatedCritic, sides: Sides) -> float:
    """Return the dual objective on all given samples over L, at least 0."""
    fx = critic.values(sides.x, sides.scaler)
    fy = critic.values(sides.y, sides.scaler)
    rounding = FORWARD_ROUNDING * float(max(np.abs(fx).max(), np.abs(fy).max()))
    difference = float(fx.mean() - fy.mean()) - rounding
    return max(0.0, float(difference * sides.scaler.unit / critic.lipschitz_bound))


def critic_file(
    chosen: EvaluatedCritic, scaler: Scaler, held_out: HeldOut
) -> CriticFile:
    """Return the document of the evaluated critic."""
    arrays = chosen.critic.map(lambda p: p[0].cpu())
    return CriticFile(
        weights=[w.numpy() for w in arrays.weights],
        biases=[b[0].numpy() for b in arrays.biases],
        group_size=chosen.critic.group_sizes[0],
        scaler=scaler,
        low=held_out.low,
        high=held_out.high,
        lipschitz_bound=chosen.lipschitz_bound,
    )


def fingerprint_of(sides: Sides, settings: EstimateConfig) -> str:
    """Identify a problem by its settings and a digest of the scaler and the shapes."""
    digest = hashlib.sha256(sides.scaler.center.tobytes())
    digest.update(np.float64(sides.scaler.unit).tobytes())
    shapes = [sides.x.shape, sides.y.shape]
    digest.update(json.dumps([shapes, settings.to_dict()], sort_keys=True).encode())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    found = {"python": platform.python_version()}
    for name in ("kantor", "torch", "numpy", "scipy", "pot"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # run from a source tree
            found[name] = "unknown"
    return found
