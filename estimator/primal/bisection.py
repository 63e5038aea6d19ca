"""Couple two clouds by cutting both, again and again, at the same mass.

A cut sorts both sides of a node along one direction and gives its left child the same
mass of either; a point on the border is shared. Children of one node therefore always
hold equal masses, and any coupling within the leaves is a coupling of the clouds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kantor.estimator.primal.clouds import Array, Cloud, Indices, Shadow
from kantor.estimator.primal.plan import NEGLIGIBLE, Plan, corner_plan

_DIRECTION_ROWS = 256


@dataclass(frozen=True)
class Part:
    """Some points of one side with the mass each has in a node."""

    points: Indices
    mass: Array

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True)
class Node:
    """Parts of both sides of equal mass."""

    source: Part
    target: Part


def bisected(
    source: Cloud,
    target: Cloud,
    shadow: tuple[Shadow, Shadow],
    leaf_points: int,
    rng: np.random.Generator,
) -> Iterator[Plan]:
    """Yield the plans of the leaves, each coupled in the order of its last cut.

    A leaf has at most `leaf_points` points, or a single one on one side, or too little
    mass left of any cut to tell it from rounding.
    """
    pending = [Node(_whole(source.weights), _whole(target.weights))]
    while pending:
        node = pending.pop()
        x, y = node.source, node.target
        is_leaf = min(len(x), len(y)) == 1 or len(x) + len(y) <= leaf_points
        children = () if is_leaf else _children(node, shadow, rng)
        if children and all(len(c.source) and len(c.target) for c in children):
            pending.extend(children)
        else:
            plan = corner_plan(x.mass, y.mass, NEGLIGIBLE)
            yield Plan(x.points[plan.rows], y.points[plan.columns], plan.mass)


def spread_direction(points: Shadow, rng: np.random.Generator) -> Shadow:
    """Return a random direction in which points (n, k) spread more than in most.

    One step of power iteration on a few of them: cuts follow the shape of the points,
    and no two trees are the same.
    """
    few = points[rng.integers(0, len(points), _DIRECTION_ROWS)]
    few = few - few.mean(0, keepdims=True)
    start = rng.standard_normal((points.shape[1],), dtype=np.float32)
    largest = np.abs(few).max()
    if largest == 0.0:
        return start
    few = few / largest  # squares shall not overflow
    return along(few.T, along(few, start))


def along(points: Shadow, direction: Shadow) -> Shadow:
    """Return the positions (n,) of points (n, k) along a direction (k,).

    BLAS may raise floating-point flags from lanes beyond the end of its input, which
    mean nothing; a position that overflowed would still only order points.
    """
    with np.errstate(all="ignore"):
        return np.asarray(points @ direction, dtype=np.float32)


def _whole(weights: Array) -> Part:
    points = np.flatnonzero(weights)
    return Part(points, weights[points])


def _children(
    node: Node, shadow: tuple[Shadow, Shadow], rng: np.random.Generator
) -> tuple[Node, Node]:
    x, y = shadow[0][node.source.points], shadow[1][node.target.points]
    some = [side[rng.integers(0, len(side), _DIRECTION_ROWS)] for side in (x, y)]
    direction = spread_direction(np.concatenate(some), rng)
    source = _sorted(node.source, along(x, direction))
    target = _sorted(node.target, along(y, direction))
    mass = _middle(source.mass)
    (source_left, source_right), (target_left, target_right) = (
        _cut(side, mass) for side in (source, target)
    )
    return Node(source_left, target_left), Node(source_right, target_right)


def _sorted(part: Part, position: Shadow) -> Part:
    order = np.argsort(position, kind="stable")
    return Part(part.points[order], part.mass[order])


def _middle(mass: Array) -> float:
    """Return the mass of the first points that is nearest to half; all but none."""
    sums = np.cumsum(mass)
    return float(sums[np.abs(sums[:-1] - 0.5 * sums[-1]).argmin()])


def _cut(part: Part, mass: float) -> tuple[Part, Part]:
    """Return the first points of the given mass and the rest; the border is shared."""
    sums = np.cumsum(part.mass)
    negligible = NEGLIGIBLE * sums[-1]
    left = np.clip(mass - (sums - part.mass), 0.0, part.mass)
    left[left <= negligible] = 0.0
    right = part.mass - left
    right[right <= negligible] = 0.0
    left = np.where(right == 0.0, part.mass, left)
    return _positive(part.points, left), _positive(part.points, right)


def _positive(points: Indices, mass: Array) -> Part:
    kept = mass > 0.0
    return Part(points[kept], mass[kept])
