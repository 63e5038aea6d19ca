"""What a reader of the result should know before relying on it."""

import numpy as np
from numpy.typing import NDArray

from estimator.config import EstimateConfig
from estimator.result import StopReason
from estimator.sides import Sides
from estimator.split import Split

SCALE_RATIO = 100.0
SMALL_TEST = 100
COPIED_SHARE = 0.01
_ROWS, _LOOK = 100_000, 1000


def warnings_of(
    sides: Sides,
    settings: EstimateConfig,
    stop_reason: StopReason,
    *,
    n_test: int,
) -> list[str]:
    """Return the sentences that apply to this estimation."""
    found, pair = [], sides.pair
    if stop_reason is StopReason.STEP_LIMIT and settings.effort != "thorough":
        found.append(stop_reason.message)
    if n_test < SMALL_TEST:
        found.append(
            f"Only {n_test} test samples a side: the lower bound is loose at this size."
        )
    if settings.bound_method == "student":
        found.append("The student bound holds only in the limit of many samples.")
    if settings.scaling == "standardize":
        found.append(
            "Features were standardized: distances are in the standardized metric."
        )
    elif (ratio := scale_ratio(pair.x, pair.y)) > SCALE_RATIO:
        found.append(
            f"Feature scales differ by a factor of {ratio:.3g}; the largest dominate "
            "the distance. Standardize them if that is not meant."
        )
    copies = max(
        copied_share(pair.x, sides.split_x), copied_share(pair.y, sides.split_y)
    )
    if copies > COPIED_SHARE:
        found.append(
            f"{copies:.0%} of a side's test samples equal samples that training saw. "
            "Where these are repeats, not independent draws, the bounds do not hold: "
            "keep each sample once and pass the repeats as weights."
        )
    return found


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


def scale_ratio(x: NDArray[np.generic], y: NDArray[np.generic]) -> float:
    """Return the largest over the smallest deviation of features that vary."""
    rows = [np.asarray(s[:_ROWS], dtype=np.float64) for s in (x, y)]
    largest = max(float(np.abs(r).max()) for r in rows) or 1.0
    deviation = np.max([(r / largest).std(0) for r in rows], axis=0)
    positive = deviation[deviation > 0.0]
    return float(positive.max() / positive.min()) if len(positive) else 1.0
