"""What a reader of the result should know before relying on it."""

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.config import EstimateConfig
from kantor.estimator.result import StopReason
from kantor.estimator.samples.folds import Partition
from kantor.estimator.samples.split import Split

SCALE_RATIO = 100.0
SMALL_TEST = 100
COPIED_SHARE = 0.01
_ROWS, _LOOK = 100_000, 1000


def cautions_for(
    partition: Partition,
    config: EstimateConfig,
    stop_reason: StopReason,
    *,
    named: bool = False,
) -> list[str]:
    """Return the sentences that apply to this estimation; `named` if it is of tables.

    What there is to say of the scales of columns is said with their metric.
    """
    found, pair, folds = [], partition.pair, partition.folds
    if stop_reason is StopReason.STEP_LIMIT and config.effort != "thorough":
        found.append(stop_reason.message)
    found += weights_left(partition)
    weighted = pair.x_weights is not None or pair.y_weights is not None
    if weighted and config.max_weight is None:
        found.append(
            "No max_weight was stated: the bounds are for the distribution in which no "
            "weight exceeds the largest of the samples that train."
        )
    n_test = min(min(len(f.x.test), len(f.y.test)) for f in folds)
    if n_test < SMALL_TEST:
        found.append(
            f"Only {n_test} test samples a side: the lower bound is loose at this size."
        )
    if config.bound_method == "student":
        found.append("The student bound holds only in the limit of many samples.")
    found += [] if named else caution_of_scales(partition, config)
    copies = max(copied_share(pair.x, folds[0].x), copied_share(pair.y, folds[0].y))
    if copies > COPIED_SHARE:
        found.append(
            f"{copies:.0%} of a side's test samples equal samples that training saw. "
            "Where these are repeats, not independent draws, the bounds do not hold: "
            "keep each sample once and pass the repeats as weights."
        )
    return found


def caution_of_scales(partition: Partition, config: EstimateConfig) -> list[str]:
    """Say what the scales of features have to do with the distance."""
    if config.scaling == "standardize":
        return ["Features were standardized: distances are in the standardized metric."]
    ratio = scale_ratio(partition.pair.x, partition.pair.y)
    if ratio <= SCALE_RATIO:
        return []
    return [
        f"Feature scales differ by a factor of {ratio:.3g}; the largest dominate "
        "the distance. Standardize them (scaling standardize) if that is not meant."
    ]


def copied_share(samples: NDArray[np.generic], split: Split) -> float:
    """Return the share of test rows that fit or validation rows equal.

    0 for samples of whole numbers: counts and categories repeat by nature.
    """
    some = samples[split.test[:_LOOK]]
    if np.array_equal(some, np.rint(some)):
        return 0.0
    others = np.concatenate([split.validation, split.fit])[:_ROWS]
    seen = {hash(samples[row].tobytes()) for row in others}
    test = [hash(samples[row].tobytes()) for row in split.test[:_ROWS]]
    return sum(digest in seen for digest in test) / len(test)


def weights_left(partition: Partition) -> list[str]:
    """Say how many test samples remain of each side that has weights."""
    n_source, n_target = partition.n_test
    left = {
        "source": (partition.pair.x_weights, n_source),
        "target": (partition.pair.y_weights, n_target),
    }
    return [
        f"The {side}'s weights left {n_test} test samples: those that weigh less are "
        "kept more seldom."
        for side, (weights, n_test) in left.items()
        if weights is not None
    ]


def scale_ratio(x: NDArray[np.generic], y: NDArray[np.generic]) -> float:
    """Return the largest over the smallest deviation of features that vary."""
    rows = [np.asarray(s[:_ROWS], dtype=np.float64) for s in (x, y)]
    largest = max(float(np.abs(r).max()) for r in rows) or 1.0
    deviation = np.max([(r / largest).std(0) for r in rows], axis=0)
    positive = deviation[deviation > 0.0]
    return float(positive.max() / positive.min()) if len(positive) else 1.0
