"""Kantor: certified lower bounds on the Wasserstein-1 distance, as a service.

    from kantor import EstimateConfig, KantorClient, estimate_w1

Everything is imported on first use: a program that only talks to a service loads no
torch, and one that only estimates loads no HTTP client. The parts are
`kantor.models` (critics), `kantor.estimator` (samples in, `Estimate` out) and
`kantor.service` (queue, API, workers, command line); each knows only those before it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kantor.estimator import (
        Certificate,
        CurvePoint,
        Differences,
        Estimate,
        EstimateConfig,
        EstimationStopped,
        EstimatorError,
        InvalidConfig,
        InvalidInput,
        InvalidSamples,
        SamplePlan,
        StopReason,
        estimate_w1,
        plan_samples,
    )
    from kantor.service.client import (
        AsyncKantorClient,
        JobFailed,
        KantorClient,
        KantorError,
    )

__all__ = [
    "AsyncKantorClient",
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
    "JobFailed",
    "KantorClient",
    "KantorError",
    "SamplePlan",
    "StopReason",
    "estimate_w1",
    "plan_samples",
]

_OF_THE_CLIENT = ("AsyncKantorClient", "JobFailed", "KantorClient", "KantorError")
_HOMES = dict.fromkeys(_OF_THE_CLIENT, "kantor.service.client")


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use."""
    if name not in __all__:
        raise AttributeError(f"module 'kantor' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "kantor.estimator")), name)


def __dir__() -> list[str]:
    return sorted(__all__)
