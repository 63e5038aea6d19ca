"""What an estimation may cost at most: known before any sample is looked at.

From shapes and settings alone, so that a service can refuse what would exhaust a worker
before it is queued. Counted generously: the race of the candidates ends most of them
early, which is not counted on.
"""

import hashlib
import json
from dataclasses import dataclass

from kantor.estimator.config import EstimateConfig
from kantor.estimator.recipe import Recipe, recipe_for

_FLOAT_BYTES = 4
_PASSES = 6
"""Forward, backward and update, in operations of one forward pass."""

_TAPE = 4
"""Arrays that automatic differentiation keeps of each activation."""

_STATES = 6
"""Arrays kept of each weight: raw, effective, gradient, memory, best."""

_FIT_SHARE = 0.6
_CACHED_BYTES = 128 * 2**20
_SHAPES = 2
"""Peaks and valleys."""


@dataclass(frozen=True)
class Workload:
    """An upper estimate of an estimation's cost.

    Attributes:
        memory_bytes: Of training, at its largest.
        operations: Multiplications and additions of the whole training.
    """

    memory_bytes: int
    operations: float


def workload_of(config: EstimateConfig, n: int, m: int, dim: int) -> Workload:
    """Return what an estimation of samples (n, dim) and (m, dim) may cost.

    Raises:
        InvalidConfig: A group size is given that the effort's width does not admit.
    """
    fewest = _fewest_fit(n, m)
    recipe = recipe_for(config, fewest)
    parts = [
        part(recipe, config.folds, fewest, dim)
        for name, part in _PARTS.items()
        if config.critic in ("portfolio", name)
    ]
    samples = min((n + m) * dim * _FLOAT_BYTES, 2 * _CACHED_BYTES) * config.folds
    values = 16 * (n + m) * _FLOAT_BYTES
    memory = max(p.tape_bytes for p in parts) + sum(p.state_bytes for p in parts)
    operations = recipe.steps * sum(part.operations for part in parts)
    return Workload(memory + samples + values, operations)


SMALL_BYTES, SMALL_OPERATIONS = 256 * 2**20, 1e13
"""Most of a job that leaves the better part of a GPU idle, alone."""


def shape_class(config: EstimateConfig, n: int, m: int, dim: int) -> str | None:
    """Return a name for small jobs whose critics train as one batch; None for others.

    Those of one name have the same settings, but for the seed, and critics and batches
    of the same shapes.

    Raises:
        InvalidConfig: A group size is given that the effort's width does not admit.
    """
    asked = workload_of(config, n, m, dim)
    if asked.memory_bytes > SMALL_BYTES or asked.operations > SMALL_OPERATIONS:
        return None
    fewest = _fewest_fit(n, m)
    recipe = recipe_for(config, fewest)
    batch = min(recipe.largest_batch, fewest)
    settings = json.dumps(config.to_dict() | {"seed": 0}, sort_keys=True)
    parts = f"{settings} {recipe} {batch} {dim}"
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def _fewest_fit(n: int, m: int) -> int:
    return max(1, int(_FIT_SHARE * min(n, m)))


@dataclass(frozen=True)
class _Step:
    """The cost of a step of one family; families take their steps one by one."""

    tape_bytes: int
    state_bytes: int
    operations: float


def _networks(recipe: Recipe, folds: int, rows: int, dim: int) -> _Step:
    """Return the cost of a step of all networks."""
    asked = recipe.networks
    batch = 2 * min(asked.batch_size, rows)
    critics = folds * len(asked.candidates)
    weights = dim * asked.width + asked.depth * asked.width**2
    activations = batch * (dim + asked.depth * asked.width)
    forward = batch * weights
    iterations = asked.bjorck_iterations if asked.constraint == "bjorck" else 1
    restoring = iterations * asked.depth * asked.width**2 * max(asked.width, dim)
    return _Step(
        critics * _FLOAT_BYTES * _TAPE * activations,
        critics * _FLOAT_BYTES * _STATES * weights,
        critics * float(_PASSES * forward + restoring),
    )


def _cones(recipe: Recipe, folds: int, rows: int, dim: int) -> _Step:
    """Return the cost of a step of all cones."""
    batch = 2 * min(recipe.cones.batch_size, rows)
    count = min(recipe.cones.count, rows)
    team = folds * _SHAPES
    critics = team * (2 if recipe.cones.few < recipe.cones.most else 1)
    return _Step(
        team * _FLOAT_BYTES * _TAPE * batch * count,
        critics * _FLOAT_BYTES * _STATES * count * dim,
        critics * float(_PASSES * batch * count * dim),
    )


def _projections(recipe: Recipe, folds: int, rows: int, dim: int) -> _Step:
    """Return the cost of a step of all cones on projections."""
    asked = recipe.projections
    batch = 2 * min(asked.batch_size, rows)
    team = folds * _SHAPES  # of one rank; ranks take their steps one by one
    critics = team * len(asked.ranks)
    return _Step(
        team * _FLOAT_BYTES * _TAPE * batch * asked.rows,
        critics * _FLOAT_BYTES * _STATES * asked.rows * dim,
        critics * float(_PASSES * batch * asked.rows * dim),
    )


_PARTS = {"network": _networks, "cones": _cones, "projection": _projections}
