"""Estimations of a pack: what each is alone, stopped and failing by itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from kantor.estimator import (
    Estimate,
    EstimateConfig,
    EstimationStopped,
    InvalidConfig,
    InvalidSamples,
    estimate_w1,
    side_by_side,
)
from kantor.estimator.result import Progress

Task = Callable[[], Estimate]

STEPS = 50
QUICK = EstimateConfig(
    effort="quick", critic="network", steps=STEPS, width=16, sample_bounds=False
)


@dataclass
class Job:
    """One estimation, with samples of its own."""

    seed: int
    n: int = 200
    dim: int = 3
    settings: dict[str, Any] = field(default_factory=dict)

    def __call__(self, **options: Any) -> Estimate:
        draw = np.random.default_rng(self.seed)
        x, y = draw.normal(size=(2, self.n, self.dim))
        y *= 1.0 + 0.3 * self.seed
        config = QUICK.replace(seed=self.seed, **self.settings)
        return estimate_w1(x, y, config, **options)


def assert_same(found: Estimate, alone: Estimate) -> None:
    """Compare all that the training decides.

    Sums in another order round otherwise, and 50 steps make more of it; what is left
    is far below what the answer says of its own noise.
    """
    noise = 0.05 * alone.standard_error
    assert (found.steps, found.stop_reason) == (alone.steps, alone.stop_reason)
    assert found.estimate == pytest.approx(alone.estimate, abs=noise)
    assert found.lower_bound == pytest.approx(alone.lower_bound, abs=noise)
    curves = [[p.validation for p in e.curve] for e in (found, alone)]
    assert curves[0] == pytest.approx(curves[1], abs=noise)
    rates = [[p.learning_rate for p in e.curve] for e in (found, alone)]
    assert rates[0] == pytest.approx(rates[1])


@pytest.mark.parametrize(
    "settings",
    [
        {},
        pytest.param({"optimizer": "adam"}, marks=pytest.mark.slow),
        pytest.param(
            {"optimizer": "aggmo", "constraint": "bjorck"}, marks=pytest.mark.slow
        ),
        pytest.param({"constraint": "spectral"}, marks=pytest.mark.slow),
        {"folds": 2},
        pytest.param({"norm": "linf"}, marks=pytest.mark.slow),
        {"critic": "cones", "cones": 16},
        pytest.param({"critic": "projection"}, marks=pytest.mark.slow),
        {"critic": "portfolio", "cones": 16, "effort": "standard"},
    ],
    ids=str,
)
def test_each_finds_what_it_finds_alone(settings: dict[str, Any]) -> None:
    jobs = [Job(seed, settings=settings) for seed in range(3)]
    together = side_by_side(jobs)
    for found, job in zip(together, jobs, strict=True):
        assert_same(found.result(), job())


def test_jobs_of_other_shapes_and_settings_do_not_disturb() -> None:
    jobs = [
        Job(0),
        Job(1, n=260),
        Job(2, dim=2),
        Job(3, settings={"steps": 40}),
        Job(4, settings={"folds": 2}),
        Job(5, settings={"width": 8}),
    ]
    for found, job in zip(side_by_side(jobs), jobs, strict=True):
        assert_same(found.result(), job())


def test_the_same_pack_finds_the_same_bits() -> None:
    jobs = [Job(seed) for seed in range(3)]
    first, again = ([f.result() for f in side_by_side(jobs)] for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert (one.estimate, one.critic) == (other.estimate, other.critic)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_each_finds_what_it_finds_alone() -> None:
    jobs = [Job(seed, settings={"device": "cuda"}) for seed in range(8)]
    for found, job in zip(side_by_side(jobs), jobs, strict=True):
        assert_same(found.result(), job())


@dataclass
class Stop:
    """Answers yes from the n-th question on."""

    after: int
    asked: int = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked > self.after


def broken_report(_: Progress) -> None:
    raise OSError("the listener is gone")


def nonsense() -> Estimate:
    return estimate_w1(np.full((300, 3), np.nan), np.ones((300, 3)), QUICK)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (partial(Job(9), should_stop=Stop(31)), EstimationStopped),
        (partial(Job(9), on_progress=broken_report), OSError),
        (Job(9, settings={"learning_rate": 1e30, "optimizer": "sgd"}), InvalidConfig),
        (nonsense, InvalidSamples),
    ],
    ids=["stopped", "callback", "diverges", "not a number"],
)
def test_one_bad_job_ends_alone(bad: Task, error: type[Exception]) -> None:
    settings = {"optimizer": "sgd"}  # so that the one that diverges is of their kind
    jobs = [Job(seed, settings=settings) for seed in range(3)]
    tasks: list[Task] = [bad, *jobs]
    ended, *others = side_by_side(tasks)
    assert isinstance(ended.exception(), error)
    for found, job in zip(others, jobs, strict=True):
        assert_same(found.result(), job())


def stopped(job: Job, *others: Job) -> bytes:
    """Stop a job after the first report; return its checkpoint."""
    tasks: list[Task] = [partial(job, should_stop=Stop(30)), *others]
    found, *_ = side_by_side(tasks)
    reached = found.exception()
    assert isinstance(reached, EstimationStopped)
    assert reached.checkpoint is not None
    return reached.checkpoint


def test_a_job_stopped_among_others_goes_on_alone() -> None:
    checkpoint = stopped(Job(0), Job(1), Job(2))
    assert_same(Job(0)(resume_from=checkpoint), Job(0)())


def test_a_job_stopped_alone_goes_on_among_others() -> None:
    resumed = partial(Job(0), resume_from=stopped(Job(0)))
    tasks: list[Task] = [resumed, Job(1), Job(2)]
    found, *others = side_by_side(tasks)
    assert_same(found.result(), Job(0)())
    assert_same(others[0].result(), Job(1)())


def test_reports_come_to_each_job_itself() -> None:
    seen: list[list[Progress]] = [[], []]
    jobs = [partial(Job(i), on_progress=seen[i].append) for i in range(2)]
    for found, reports in zip(side_by_side(jobs), seen, strict=True):
        assert [p.point for p in reports] == found.result().curve
