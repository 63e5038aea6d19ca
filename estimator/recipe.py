"""What `effort` stands for, resolved once: a `Recipe` without gaps, free of torch."""

from dataclasses import dataclass, replace

from kantor.estimator.config import (
    ConstraintName,
    Effort,
    EstimateConfig,
    OptimizerName,
)
from kantor.models.vocabulary import ActivationName

DEFAULT_RATES: dict[OptimizerName, float] = {
    "manifold": 0.05,
    "adam": 0.005,
    "sgd": 0.05,
    "aggmo": 0.05,
}
"""Step size of a network where none is set, by how it moves."""


@dataclass(frozen=True)
class NetworkRecipe:
    """How networks are built and moved.

    Attributes:
        depth: Hidden layers.
        width: Units of each.
        candidates: What stands between layers, and the step size, of each candidate.
        constraint: What keeps weights to norm 1.
        optimizer: How they move.
        bjorck_order: Of the Björck iterations, where they are the constraint.
        bjorck_iterations: In every step.
        batch_size: Samples of each side in a step.
        jitter: Length of the noise that samples of a step are moved by, as a share of
            how far the nearest other sample is.
    """

    depth: int
    width: int
    candidates: tuple["NetworkCandidate", ...]
    constraint: ConstraintName
    optimizer: OptimizerName
    bjorck_order: int
    bjorck_iterations: int
    batch_size: int
    jitter: float


@dataclass(frozen=True)
class NetworkCandidate:
    """One of the networks that compete.

    Attributes:
        activation: What stands between its layers.
        group_size: Units that it takes together; divides the width.
        learning_rate: Step size.
    """

    activation: ActivationName
    group_size: int
    learning_rate: float


@dataclass(frozen=True)
class ProjectionRecipe:
    """How cones on learned projections are built and moved.

    Attributes:
        ranks: Rows of the projections that compete, in teams of their own.
        rows: Rows of all cones of a critic together.
        most_cones: Cones of a critic at most.
        batch_size: Samples of each side in a step.
    """

    ranks: tuple[int, ...]
    rows: int
    most_cones: int
    batch_size: int


@dataclass(frozen=True)
class ConeRecipe:
    """How critics made of cones are built and moved.

    A cone learns from the samples around it alone, so it needs larger batches than a
    network, and a step of it costs less.

    Attributes:
        count: Cones that a critic starts with.
        most: How many of them go on after the first reports, at most.
        few: The same in a second team, which fits less noise; there is none where these
            are not fewer.
        batch_size: Samples of each side in a step.
    """

    count: int
    most: int
    few: int
    batch_size: int


@dataclass(frozen=True)
class Recipe:
    """What an estimation does, every gap of its configuration filled.

    Attributes:
        steps: Optimizer updates at most.
        networks: How networks are trained.
        cones: How cones are.
        projections: How cones on projections are.
        sweeps: Of the coupling behind the sample upper bound, after its first.
        may_settle: Whether training is spared where a profile leaves nothing to find.
    """

    steps: int
    networks: NetworkRecipe
    cones: ConeRecipe
    projections: ProjectionRecipe
    sweeps: int
    may_settle: bool

    @property
    def largest_batch(self) -> int:
        """Most samples of a side that any step sees."""
        parts = (self.networks, self.cones, self.projections)
        return max(part.batch_size for part in parts)


@dataclass(frozen=True)
class _Preset:
    """What an effort stands for where a configuration leaves gaps."""

    depth: int
    width: int
    group_sizes: tuple[int, ...]
    steps: int
    batch_size: int
    cones: int
    cone_batch_size: int
    ranks: tuple[int, ...]
    rows: int
    sweeps: int
    step_share: float = 1.0
    folding: bool = True


SORTING_STEP = 0.4
"""Step size of sorting networks on the manifold at `standard`, as a share of others'.

A step has a length of its own, however weak the gradient is beside the noise of its
batch: longer ones undo each other where little is to be found, as in many funnels."""

RANKS = (1, 2, 4, 8, 16, 32, 64)
"""Ranks of projections that compete: a wrong one finds little."""

_PRESETS: dict[Effort, _Preset] = {
    "quick": _Preset(
        depth=2, width=64, group_sizes=(16,), steps=150, batch_size=512,
        cones=512, cone_batch_size=512, ranks=(1, 4, 16), rows=128, sweeps=1,
    ),
    "standard": _Preset(
        depth=3, width=128, group_sizes=(4,), steps=500, batch_size=1024,
        step_share=SORTING_STEP,
        cones=2048, cone_batch_size=2048, ranks=RANKS, rows=256, sweeps=3,
    ),
    "thorough": _Preset(
        depth=4, width=256, group_sizes=(4, 32), steps=3000, batch_size=1024,
        cones=4096, cone_batch_size=4096, ranks=RANKS, rows=512, sweeps=10,
    ),
}  # fmt: skip


SMALL_FIT = 5_000
"""Fit samples a side below which a small network has all that it can learn."""

SMALL_GROUPS = (2, 16)
SMALL_STEP = 0.6
"""What networks of so few samples sort, and their step size, as a share of others'.

They fit single samples within some dozen steps, and reports have to come before."""

SMALL_JITTER = 0.8
"""Of networks of so few samples, which must not tell a sample from what lies near."""

MANY_FIT = 50_000
"""Fit samples a side above which projections take larger batches."""

CONES_MANY_FIT = 200_000
"""The same for cones: there is more to find than the noise of gradients lets see."""

SAMPLES_PER_CONE = 16
"""Fit samples a side that a cone needs, lest it fits single samples."""

FEWEST_CONES = 32

CHOSEN_SHARE = 4
"""Of so many cones that start, one is left: nobody knows before which stand well."""

SPARING = 96
"""Fit samples a side for each of few cones: many may fit noise, few miss places."""

FEWEST_SPARING = 24

MOST_PROJECTIONS = 128

FOLDING_SHARE = 0.5
"""Step size of networks of absolute values, as a share of the others'."""


def recipe_for(config: EstimateConfig, n_fit: int) -> Recipe:
    """Fill the gaps of a configuration with what effort and data choose.

    Args:
        config: The settings.
        n_fit: Fit samples of the smaller side.

    Raises:
        InvalidConfig: A group size is given that the effort's width does not admit.
    """
    preset = _fitting(_PRESETS[config.effort], n_fit)
    width = config.width or preset.width
    config.check_groups(width)
    return Recipe(
        steps=config.steps or preset.steps,
        networks=NetworkRecipe(
            depth=config.depth or preset.depth,
            width=width,
            candidates=_candidates(config, width, preset),
            constraint=config.chosen_constraint,
            optimizer=config.chosen_optimizer,
            bjorck_order=config.bjorck_order,
            bjorck_iterations=config.bjorck_iterations,
            batch_size=config.batch_size or preset.batch_size,
            jitter=SMALL_JITTER if n_fit < SMALL_FIT else 0.0,
        ),
        cones=_cones(config, n_fit),
        projections=ProjectionRecipe(
            ranks=preset.ranks,
            rows=preset.rows,
            most_cones=min(MOST_PROJECTIONS, max(4, n_fit // SAMPLES_PER_CONE)),
            batch_size=config.batch_size or _projection_batch(preset, n_fit),
        ),
        sweeps=preset.sweeps,
        may_settle=config.effort != "thorough",
    )


def _fitting(preset: _Preset, n_fit: int) -> _Preset:
    """Return a preset with networks no larger than so many samples can fit."""
    if n_fit >= SMALL_FIT:
        return preset
    quick = _PRESETS["quick"]
    return replace(
        preset,
        depth=quick.depth,
        width=quick.width,
        batch_size=quick.batch_size,
        group_sizes=SMALL_GROUPS,
        step_share=SMALL_STEP,
        folding=False,
    )


def _cones(config: EstimateConfig, n_fit: int) -> ConeRecipe:
    """Return how many cones start and how many are left, as set or as samples allow."""
    preset = _PRESETS[config.effort]
    allowed = max(FEWEST_CONES, n_fit // SAMPLES_PER_CONE)
    count = config.cones or min(preset.cones, allowed)
    most = config.cones or min(count, preset.cones // CHOSEN_SHARE)
    few = max(FEWEST_SPARING, n_fit // SPARING)
    batch_size = preset.cone_batch_size * (2 if n_fit > CONES_MANY_FIT else 1)
    return ConeRecipe(
        count=count,
        most=most,
        few=most if config.cones is not None else min(few, most),
        batch_size=config.batch_size or batch_size,
    )


def _projection_batch(preset: _Preset, n_fit: int) -> int:
    """Return a batch size: the noise of gradients hides signals that are weak."""
    return preset.cone_batch_size * (4 if n_fit > MANY_FIT else 2)


def _candidates(
    config: EstimateConfig, width: int, preset: _Preset
) -> tuple[NetworkCandidate, ...]:
    """Return the networks that compete: the one set, or the effort's.

    Small groups bend more, large ones fit cones, and absolute values, which keep
    gradients as sorting does, fold whole spaces: which is better is a matter of the
    data, and validation decides.
    """
    usual = DEFAULT_RATES[config.chosen_optimizer]
    share = preset.step_share if config.chosen_optimizer == "manifold" else 1.0
    rate = config.learning_rate or share * usual
    if config.group_size is not None:
        return (NetworkCandidate(config.activation, config.group_size, rate),)
    if config.activation != "groupsort":
        size = fitting_group_size(width, 2)
        return (NetworkCandidate(config.activation, size, rate),)
    sizes = sorted({fitting_group_size(width, size) for size in preset.group_sizes})
    sorting = [NetworkCandidate("groupsort", size, rate) for size in sizes]
    if not preset.folding:
        return tuple(sorting)
    folding = NetworkCandidate(
        "abs", 2, FOLDING_SHARE * (config.learning_rate or usual)
    )
    return (*sorting, folding)


def fitting_group_size(width: int, wanted: int) -> int:
    """Return the largest divisor of `width` up to `wanted`, or else the next above.

    Never 1: groups of one would make every network affine.
    """
    divisors = [g for g in range(2, width + 1) if width % g == 0]
    return max((g for g in divisors if g <= wanted), default=divisors[0])
