"""How many samples are needed: what a bound would have shown at other sizes.

The critic of a first estimate gives values whose spread is that of the user's own data.
Such values are drawn again in other numbers, and the bound meets these: nothing is
assumed about their distribution, and no formula stands between size and distance.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.config import EstimateConfig
from kantor.estimator.errors import InvalidInput
from kantor.estimator.evidence.bounds import BOUND_METHODS, Order, TestValues
from kantor.estimator.evidence.detectable import detectable_distance
from kantor.estimator.keywords import SettingKeywords
from kantor.estimator.pipeline import estimate_w1
from kantor.estimator.result import Estimate
from kantor.estimator.samples.split import random_splits
from kantor.estimator.streams import Stream
from kantor.estimator.witness.document import score

Array = NDArray[np.float64]

SIZES = (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
"""Rows a side that are looked at."""


@dataclass(frozen=True, kw_only=True)
class PlannedSize:
    """What a number of rows would have shown.

    Attributes:
        rows: Of each side.
        detectable_distance: That gives a lower bound above 0 in 4 of 5 cases.
    """

    rows: int
    detectable_distance: float


@dataclass(frozen=True, kw_only=True)
class SamplePlan:
    """How many rows a difference needs.

    Attributes:
        distance: The difference in question; None where none was given or found.
        rows: Rows of each side that show it in 4 of 5 cases; None where no size that
            was looked at does, or no distance is in question.
        sizes: What each size would have shown.
        estimate: What the given samples say.
    """

    distance: float | None
    rows: int | None
    sizes: list[PlannedSize]
    estimate: Estimate


def plan_samples(
    source: object,
    target: object,
    *,
    distance: float | None = None,
    sizes: Sequence[int] = SIZES,
    config: EstimateConfig | None = None,
    **settings: Unpack[SettingKeywords],
) -> SamplePlan:
    """Tell how many samples would show a difference, from some samples of both sides.

    Not promised: that the difference is found. It is the mean difference of the critic
    of these samples, at most W1; more samples train a better one, and need fewer rows.

    Args:
        source: Samples of P, as of `estimate_w1`: a few hundred are enough.
        target: Samples of Q.
        distance: The smallest difference worth knowing; None: what the critic finds.
        sizes: Rows a side to look at, ascending.
        config: Settings of the estimate.
        settings: Any of them, over those of `config`.

    Raises:
        InvalidInput: As `estimate_w1`, or the distance is not above 0.
    """
    if distance is not None and not distance > 0.0:
        raise InvalidInput("distance", f"expected a number > 0, got {distance}")
    found = estimate_w1(source, target, config, **settings)
    values = [_values(found, side) for side in (source, target)]
    planned = list(_planned(found, *values, sizes=sizes))
    if distance is None and found.estimate > 0.0:
        distance = found.estimate
    rows = None if distance is None else _needed(planned, distance)
    return SamplePlan(distance=distance, rows=rows, sizes=planned, estimate=found)


def _values(found: Estimate, samples: object) -> Array:
    """Return the critic's values of the rows that have one."""
    values = score(found.critic, samples)
    return values[np.isfinite(values)]


def _planned(
    found: Estimate, x: Array, y: Array, *, sizes: Sequence[int]
) -> Iterator[PlannedSize]:
    rng = Stream.PLANNING.generator(found.seed)
    folds = found.config["folds"]
    order: Order = "sequential" if folds == 1 else "crossed"
    reach = float(max(x.max(), y.max()) - min(x.min(), y.min()))
    spread = float(np.hypot(x.std(), y.std()))
    for rows in sizes:
        tested = [len(split.test) for split in random_splits(rows, folds, rng)]
        parts = [
            TestValues(
                x=rng.choice(x, count),
                y=rng.choice(y, count),
                value_range=reach,
                expected=max(found.estimate, 0.0),
                spread=spread,
            )
            for count in tested
        ]
        detectable = detectable_distance(
            BOUND_METHODS[found.bound_method],  # type: ignore[index]
            parts,
            rng,
            confidence=found.confidence,
            order=order,
        )
        yield PlannedSize(rows=rows, detectable_distance=detectable)


def _needed(planned: Sequence[PlannedSize], distance: float) -> int | None:
    """Return the rows that show a distance, between two sizes by their logarithms."""
    before: PlannedSize | None = None
    for size in planned:
        if size.detectable_distance <= distance:
            return size.rows if before is None else _between(before, size, distance)
        before = size
    return None


def _between(few: PlannedSize, many: PlannedSize, distance: float) -> int:
    if many.detectable_distance <= 0.0:
        return many.rows
    fall = np.log(few.detectable_distance / many.detectable_distance)
    share = np.log(few.detectable_distance / distance) / fall
    rows = few.rows * (many.rows / few.rows) ** share
    return min(many.rows, int(np.ceil(rows)))
