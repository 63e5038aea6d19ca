"""A worker process whose training is a count: `config.steps` steps of 10 ms each.

The estimate is the number of steps. Some seeds misbehave: 13 kills the process, 14
raises, 15 is an invalid input, 16 exhausts the memory, 17 loses the device, 18 hangs,
19 hangs and lets no other thread run.
"""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kantor.estimator import (
    Certificate,
    CurvePoint,
    Differences,
    Estimate,
    EstimateConfig,
    EstimationStopped,
    InvalidInput,
    StopReason,
)
from kantor.estimator.result import GradientNorm, Histogram, Progress
from kantor.service.settings import Settings
from kantor.service.store import Stored
from kantor.service.worker import run_worker

STEP_S = 0.01
HANGS_S = 600
NOWHERE = Differences(
    source_extremes=[],
    target_extremes=[],
    attribution=[],
    gradient_norm=GradientNorm(rows=0, mean=1.0, steep_share=1.0),
    histogram=Histogram(edges=[0.0, 1.0], source=[1.0], target=[1.0]),
)


def count_steps(
    x: Stored,
    y: Stored,
    config: EstimateConfig,
    *,
    on_progress: Callable[[Progress], None] | None,
    should_stop: Callable[[], bool] | None,
    resume_from: bytes | None,
    source_weights: NDArray[Any] | None,
    target_weights: NDArray[Any] | None,
) -> Estimate:
    assert isinstance(x, np.ndarray)
    assert isinstance(y, np.ndarray)
    assert on_progress is not None
    assert should_stop is not None
    misbehave(config.seed)
    steps = config.steps or 1
    first = int(resume_from or b"0")
    for step in range(first, steps):
        if should_stop():
            raise EstimationStopped(str(step).encode())
        time.sleep(STEP_S)
        point = CurvePoint(
            step=step + 1, elapsed_s=0.0, train=1.0, validation=1.0, learning_rate=0.1
        )
        on_progress(Progress(step=step + 1, max_steps=steps, point=point))
    return counted(x, y, config, first)


def misbehave(seed: int) -> None:
    if seed == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    if seed == 14:
        raise RuntimeError("secret detail")
    if seed == 15:
        raise InvalidInput("source", "expected something else")

    if seed == 16:
        raise MemoryError
    if seed == 17:
        raise AcceleratorError
    if seed == 18:
        time.sleep(HANGS_S)
    if seed == 19:
        ctypes.PyDLL(None).sleep(HANGS_S)


class AcceleratorError(RuntimeError):
    """Look like the error of torch."""


def counted(
    x: NDArray[Any], y: NDArray[Any], config: EstimateConfig, first: int
) -> Estimate:
    return Estimate(
        estimate=float(config.steps or 1),
        standard_error=0.0,
        lower_bound=0.0,
        confidence=config.confidence,
        bound_method=config.bound_method,
        lower_bounds={},
        p_value=1.0,
        detectable_distance=0.0,
        sample_lower_bound=None,
        sample_upper_bound=None,
        sample_upper_bound_reason="not computed",
        critic_family="network",
        winner={},
        certificate=Certificate(lipschitz_bound=1.0, norm="l2", layers=[]),
        curve=[],
        stop_reason=StopReason.STEP_LIMIT,
        steps=config.steps or 1,
        elapsed_s=0.0,
        n_source=len(x),
        n_target=len(y),
        dim=x.shape[1],
        seed=config.seed,
        device="cpu",
        config=config.to_dict(),
        versions={},
        warnings=[f"resumed from {first}"],
        differences=NOWHERE,
        critic=b"critic",
    )


if __name__ == "__main__":
    run_worker(Settings(), estimate=count_steps)
