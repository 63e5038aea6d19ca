"""The estimation from samples to `Estimate`, in the order of its guarantees.

Check and split the samples; scale by what the fit part shows; train critics on fit and
choose by validation; freeze the choice, certify it in float64; only then look at test.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Unpack

from kantor.estimator.cautions import cautions_for
from kantor.estimator.config import EstimateConfig
from kantor.estimator.devices import choose_device, describe
from kantor.estimator.display.progress import progress_bar
from kantor.estimator.errors import EstimationStopped, stop_where_asked
from kantor.estimator.evidence.bounds import (
    BOUND_METHODS,
    Order,
    TestValues,
    mean_difference,
    standard_error,
)
from kantor.estimator.evidence.bracket import NOT_ASKED_FOR, Bracket, sample_bracket
from kantor.estimator.evidence.certified import EvaluatedCritic
from kantor.estimator.evidence.detectable import detectable_distance
from kantor.estimator.evidence.held_out import (
    HeldOut,
    Witness,
    critic_file,
    held_out,
    witness_of,
)
from kantor.estimator.evidence.p_value import p_value_of
from kantor.estimator.keywords import SettingKeywords
from kantor.estimator.naming import naming_columns
from kantor.estimator.planted import FINDABLE, planted_in, rows_a_side
from kantor.estimator.provenance import versions
from kantor.estimator.recipe import SMALL_FIT, Recipe, recipe_for
from kantor.estimator.result import Estimate, Progress, SelfCheck
from kantor.estimator.samples.folds import Partition
from kantor.estimator.samples.sides import Named, prepared
from kantor.estimator.streams import Stream
from kantor.estimator.training import Trained, train_critics
from kantor.estimator.witness.differences import differences_of
from kantor.models.threads import in_one_thread

if TYPE_CHECKING:
    import torch


def estimate_w1(
    source: object,
    target: object,
    config: EstimateConfig | None = None,
    *,
    progress: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    resume_from: bytes | None = None,
    source_weights: object = None,
    target_weights: object = None,
    **settings: Unpack[SettingKeywords],
) -> Estimate:
    """Estimate W1 between the distributions behind two samples, from below.

    Args:
        source: Samples of P, (n, d) or (n,): an array of numpy, torch, JAX or CuPy, a
            list, or a memory map; or a table: a frame of pandas, polars or Arrow, or a
            dict of columns.
        target: Samples of Q, (m, d) or (m,), or a table. Two are matched by name.
        config: Settings; the defaults need no tuning.
        progress: Whether to show a progress bar, on the terminal or, where ipywidgets
            is installed, in a notebook.
        on_progress: Called at every report of the training.
        should_stop: Asked before every step; true ends the estimation.
        resume_from: Checkpoint of an `EstimationStopped` on the same samples, settings.
        source_weights: Weights (n,) of the source samples, None for equal ones: row i
            stands for a share w_i / sum w of P. Only ratios matter.
        target_weights: Weights (m,) of the target samples.
        settings: Any field of `EstimateConfig`, over those of `config`.

    Returns:
        The estimate with its bounds, certificate and training curve. That it is close
        to W1 is not guaranteed, which depends on what the critic found. The bounds hold
        all the same.

    Raises:
        InvalidInput: Samples or settings are unusable; names the field.
        EstimationStopped: `should_stop` answered true before the end.

    Example:
        >>> import numpy as np
        >>> x, y = np.random.default_rng(0).normal(size=(2, 300, 2))
        >>> found = estimate_w1(x, y + 1.0, effort="quick", steps=25)
        >>> 0.0 < found.lower_bound <= 2**0.5
        True
    """
    asked = (config or EstimateConfig()).replace(**settings)
    with watched(on_progress, shown=progress) as report:
        return _estimated(
            (source, target),
            asked,
            (source_weights, target_weights),
            on_progress=report,
            should_stop=should_stop or (lambda: False),
            resume_from=resume_from,
        )


@contextmanager
def watched(
    on_progress: Callable[[Progress], None] | None, *, shown: bool
) -> Iterator[Callable[[Progress], None]]:
    """Yield what to call at every report: the caller's function, a bar if wanted."""
    tell = on_progress or (lambda progress: None)
    if not shown:
        yield tell
        return
    with progress_bar("preparing") as bar:

        def both(progress: Progress) -> None:
            validation = progress.point.validation if progress.point else None
            bar.update(progress.step, progress.max_steps, validation)
            tell(progress)

        yield both


def _estimated(
    sides: tuple[object, object],
    asked: EstimateConfig,
    weights: tuple[object, object],
    *,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
    resume_from: bytes | None,
) -> Estimate:
    """Estimate as asked; see `estimate_w1`."""
    started = time.monotonic()
    partition, named = prepared(*sides, asked, *weights)
    device = choose_device(asked.device)
    is_small = device.type == "cpu" and partition.n_fit < SMALL_FIT
    with in_one_thread() if is_small else nullcontext():
        return _answered(
            partition,
            asked,
            named,
            device,
            started=started,
            on_progress=on_progress,
            should_stop=should_stop,
            resume_from=resume_from,
        )


def _answered(
    partition: Partition,
    asked: EstimateConfig,
    named: Named | None,
    device: "torch.device",
    *,
    started: float,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
    resume_from: bytes | None,
) -> Estimate:
    """Train, examine and assemble; check what was asked to be checked."""
    recipe = recipe_for(asked, partition.n_fit)
    trained = train_critics(
        partition,
        asked,
        recipe,
        device,
        on_progress=on_progress,
        should_stop=should_stop,
        resume_from=resume_from,
    )
    try:
        answer = assembled(
            examined(trained, partition, asked, recipe, should_stop),
            trained,
            partition,
            asked,
            named,
            device=describe(device),
            started=started,
            should_stop=should_stop,
        )
        if named is not None:
            stop_where_asked(should_stop)
            answer = naming_columns(answer, named, partition.pair, started=started)
        if not asked.checks_itself:
            return answer
        checked = self_checked(answer, partition, asked, should_stop)
    except EstimationStopped as stopped:
        raise EstimationStopped(trained.checkpoint()) from stopped
    elapsed_s = time.monotonic() - started
    return replace(answer, self_check=checked, elapsed_s=elapsed_s)


def self_checked(
    answer: Estimate,
    partition: Partition,
    asked: EstimateConfig,
    should_stop: Callable[[], bool],
) -> SelfCheck | None:
    """Estimate a known distance: that of a difference planted in the target's rows.

    It is of the size that was found, or larger where that is too small to be told from
    none with the fewer rows that take part here. Where it still is, the share would be
    noise, and none is given. The rows are taken in the metric of the answer, whatever
    they came from.

    Raises:
        EstimationStopped: `should_stop` answered true.
    """
    common, pair = partition.common, partition.pair
    fewer = min(len(pair.x), len(pair.y)) / rows_a_side(len(pair.y))
    detectable = answer.detectable_distance * math.sqrt(fewer) / common.unit
    size = max(answer.estimate / common.unit, FINDABLE * detectable)
    rng = Stream.PLANTED.generator(asked.seed)
    planted = planted_in(common.for_critic(pair.y), size, rng)
    if planted is None or planted.distance < detectable:
        return None
    plain = EstimateConfig(
        effort=asked.effort,
        critic=asked.critic,
        folds=asked.folds,
        seed=asked.seed,
        steps=asked.steps,
        device=asked.device,
        sample_bounds=False,
        self_check=False,
    )
    found = estimate_w1(planted.x, planted.y, plain, should_stop=should_stop)
    if planted.distance < found.detectable_distance:
        return None
    return SelfCheck(
        distance=planted.distance * common.unit,
        found=found.estimate * common.unit,
        standard_error=found.standard_error * common.unit,
        share=found.estimate / planted.distance,
    )


@dataclass(frozen=True)
class Examined:
    """What all given samples say of the critics.

    Attributes:
        witnesses: The chosen critic's values on every fold.
        bracket: Bounds for the given samples.
    """

    witnesses: list[Witness]
    bracket: Bracket


def examined(
    trained: Trained,
    partition: Partition,
    asked: EstimateConfig,
    recipe: Recipe,
    should_stop: Callable[[], bool],
) -> Examined:
    """Evaluate the critics on all samples, and bracket W1 between these if asked to.

    Raises:
        EstimationStopped: `should_stop` answered true; without a checkpoint.
    """

    def witnesses(critics: tuple[EvaluatedCritic, ...]) -> list[Witness]:
        return [
            witness_of(critic, partition.pair, fold, should_stop=should_stop)
            for critic, fold in zip(critics, partition.folds, strict=True)
        ]

    chosen = witnesses(trained.chosen)
    if not asked.sample_bounds:
        return Examined(chosen, NOT_ASKED_FOR)
    bracket = sample_bracket(
        [*chosen, *witnesses(trained.last)],
        partition,
        norm=asked.norm,
        seed=asked.seed,
        sweeps=recipe.sweeps if trained.steps else 1,
        should_stop=should_stop,
    )
    return Examined(chosen, bracket)


@dataclass(frozen=True)
class Proven:
    """What the test samples say, in units of the samples' spread.

    Attributes:
        held: Of each fold, the chosen critic's test values.
        parts: Those values alone.
        order: How the folds' critics were chosen.
        lower_bounds: By every method.
    """

    held: list[HeldOut]
    parts: list[TestValues]
    order: Order
    lower_bounds: dict[str, float]
    detectable: float
    p_value: float


def proven(
    witnesses: list[Witness],
    partition: Partition,
    asked: EstimateConfig,
    should_stop: Callable[[], bool],
) -> Proven:
    """Let the chosen critics meet test.

    Raises:
        EstimationStopped: `should_stop` answered true; without a checkpoint.
    """
    held = []
    for witness in witnesses:
        stop_where_asked(should_stop)
        held.append(held_out(witness, partition.common, confidence=asked.confidence))
    parts = [h.values for h in held]
    order: Order = "sequential" if len(parts) == 1 else "crossed"
    lower_bounds: dict[str, float] = {}
    for name, method in BOUND_METHODS.items():
        stop_where_asked(should_stop)
        lower_bounds[name] = method(parts, confidence=asked.confidence, order=order)
    stop_where_asked(should_stop)
    detectable = detectable_distance(
        BOUND_METHODS[asked.bound_method],
        parts,
        Stream.DETECTABLE.generator(asked.seed),
        confidence=asked.confidence,
        order=order,
    )
    stop_where_asked(should_stop)
    p_value = p_value_of(partition, parts, seed=asked.seed)
    stop_where_asked(should_stop)
    return Proven(held, parts, order, lower_bounds, detectable, p_value)


def assembled(
    seen: Examined,
    trained: Trained,
    partition: Partition,
    asked: EstimateConfig,
    named: Named | None = None,
    *,
    device: str,
    started: float,
    should_stop: Callable[[], bool] = lambda: False,
) -> Estimate:
    """Let the chosen critics meet test, and put the answer together.

    Raises:
        EstimationStopped: `should_stop` answered true; without a checkpoint.
    """
    pair, unit = partition.pair, partition.common.unit
    found = proven(seen.witnesses, partition, asked, should_stop)
    cautions = cautions_for(
        partition, asked, trained.stop_reason, named=named is not None
    )
    stop_where_asked(should_stop)
    first, winner = seen.witnesses[0], trained.chosen[0]
    columns = None if named is None else named.encoded.parts
    critic = critic_file(first, found.held[0], parts=columns)
    return Estimate(
        estimate=unit * mean_difference(found.parts),
        standard_error=unit * standard_error(found.parts, order=found.order),
        lower_bound=unit * found.lower_bounds[asked.bound_method],
        confidence=asked.confidence,
        bound_method=asked.bound_method,
        lower_bounds={n: unit * b for n, b in found.lower_bounds.items()},
        p_value=found.p_value,
        detectable_distance=unit * found.detectable,
        sample_lower_bound=seen.bracket.lower,
        sample_upper_bound=seen.bracket.upper,
        sample_upper_bound_reason=seen.bracket.how,
        critic_family=winner.family.name,
        winner=winner.family.winner(winner.critic),
        certificate=winner.certificate(),
        curve=list(trained.curve),
        stop_reason=trained.stop_reason,
        steps=trained.steps,
        elapsed_s=time.monotonic() - started,
        n_source=len(pair.x),
        n_target=len(pair.y),
        dim=pair.dim,
        seed=asked.seed,
        device=device,
        config=asked.to_dict(),
        versions=versions(),
        warnings=cautions,
        differences=differences_of(
            critic,
            pair,
            first.x,
            first.y,
            norm=asked.norm,
            seed=asked.seed,
            parts=columns,
        ),
        critic=critic.to_bytes(),
    )
