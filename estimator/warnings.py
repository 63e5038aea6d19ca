"""What a reader of the result should know before relying on it."""

import numpy as np
from numpy.typing import NDArray

from estimator.config import EstimateConfig
from estimator.result import StopReason

SCALE_RATIO = 100.0
SMALL_TEST = 100
_ROWS = 100_000


def warnings_of(
    x: NDArray[np.generic],
    y: NDArray[np.generic],
    settings: EstimateConfig,
    stop_reason: StopReason,
    *,
    n_test: int,
) -> list[str]:
    """Return the sentences that apply to this estimation."""
    found = []
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
    elif (ratio := scale_ratio(x, y)) > SCALE_RATIO:
        found.append(
            f"Feature scales differ by a factor of {ratio:.3g}; the largest dominate "
            "the distance. Standardize them if that is not meant."
        )
    return found


def scale_ratio(x: NDArray[np.generic], y: NDArray[np.generic]) -> float:
    """Return the largest over the smallest deviation of features that vary."""
    rows = (np.asarray(s[:_ROWS], dtype=np.float64) for s in (x, y))
    with np.errstate(over="ignore"):
        deviation = np.max([r.std(0) for r in rows], axis=0)
    positive = deviation[deviation > 0.0]
    return float(positive.max() / positive.min()) if len(positive) else 1.0
