"""Two samples in, one certified `Estimate` of the Wasserstein-1 distance out.

`estimate_w1` is the public door, and `plan_samples` the one beside it. They are loaded
on first use, so that programs which only need configurations and results (the API
process) never load torch.
"""

from typing import TYPE_CHECKING, Any

from kantor.estimator.config import EstimateConfig
from kantor.estimator.errors import (
    EstimationStopped,
    EstimatorError,
    InvalidConfig,
    InvalidInput,
    InvalidSamples,
)
from kantor.estimator.pack import side_by_side
from kantor.estimator.result import (
    Certificate,
    CurvePoint,
    Differences,
    Estimate,
    StopReason,
)

if TYPE_CHECKING:
    from kantor.estimator.pipeline import estimate_w1
    from kantor.estimator.planning import SamplePlan, plan_samples

__all__ = [
    "Certificate",
    "CurvePoint",
    "Differences",
    "Estimate",
    "EstimateConfig",
    "EstimationStopped",
    "EstimatorError",
    "InvalidConfig",
    "InvalidInput",
    "InvalidSamples",
    "SamplePlan",
    "StopReason",
    "estimate_w1",
    "plan_samples",
    "side_by_side",
]


def __getattr__(name: str) -> Any:
    """Load the estimation itself, and with it torch, on first use."""
    if name == "estimate_w1":
        from kantor.estimator.pipeline import estimate_w1

        return estimate_w1
    if name in ("SamplePlan", "plan_samples"):
        from kantor.estimator import planning

        return getattr(planning, name)
    raise AttributeError(f"module 'kantor.estimator' has no attribute {name!r}")
