"""What comes of one claimed job, as a value, whatever the estimation does."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from kantor.estimator import EstimationStopped, InvalidInput
from kantor.service.queue import Claim, LeaseQueue, SampleRef
from kantor.service.queue.keys import Keys
from kantor.service.settings import Settings
from kantor.service.store import BlobStore, DatasetStore
from kantor.service.worker.execution import DeviceLost, Execution
from kantor.service.worker.lifeline import Lifeline
from kantor.service.worker.outcomes import (
    Cancelled,
    Failed,
    Interrupted,
    Lost,
    Outcome,
)


@dataclass
class Bench:
    """A job in the hands of a worker that has no process of its own."""

    queue: LeaseQueue
    lifeline: Lifeline
    settings: Settings
    claim: Claim

    def run(self, estimate: Callable[..., Any]) -> Outcome:
        execution = Execution(
            estimate,
            self.lifeline,
            datasets=DatasetStore(self.settings.data_dir),
            blobs=BlobStore(self.settings.data_dir),
            stopping=threading.Event(),
            storing_s=0.0,
        )
        return execution.run(self.claim)

    def beat(self) -> None:
        """Learn what the queue says of the job."""
        self.lifeline._exchange()


@pytest.fixture
def bench(board: Any, client: redis.Redis, settings: Settings) -> Bench:
    dataset = DatasetStore(settings.data_dir).put_array(np.ones((40, 2)))
    side = SampleRef(dataset.id, 40, 2)
    board.enqueue(source=side, target=side)
    queue = LeaseQueue(client, settings, "worker")
    [claim] = queue.claim()
    lifeline = Lifeline(queue, settings)
    lifeline.hold([claim])
    return Bench(queue, lifeline, settings, claim)


def raising(error: BaseException) -> Callable[..., Any]:
    def estimate(*_: Any, **__: Any) -> Any:
        raise error

    return estimate


def test_the_job_s_own_samples_and_settings_are_estimated(bench: Bench) -> None:
    seen: dict[str, Any] = {}

    def estimate(x: Any, y: Any, config: Any, **rest: Any) -> Any:
        seen.update(rest, x=x, seed=config.seed, stop=rest["should_stop"]())
        raise EstimationStopped(None)

    bench.run(estimate)
    assert (seen["x"].shape, seen["seed"], seen["stop"]) == ((40, 2), 1, False)
    assert (seen["resume_from"], seen["source_weights"]) == (None, None)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput("source", "wrong"), "invalid_input"),
        (MemoryError(), "out_of_memory"),
        (OSError("disk"), "internal_error"),
        (RuntimeError("secret"), "internal_error"),
    ],
)
def test_an_error_is_an_outcome(bench: Bench, error: Exception, code: str) -> None:
    outcome = bench.run(raising(error))
    assert isinstance(outcome, Failed)
    assert outcome.error.code == code
    assert "secret" not in outcome.error.detail


def test_a_broken_device_ends_the_process(bench: Bench) -> None:
    broken = type("AcceleratorError", (RuntimeError,), {})
    with pytest.raises(DeviceLost):
        bench.run(raising(broken()))


def test_a_stop_is_given_back_with_its_checkpoint(bench: Bench) -> None:
    outcome = bench.run(raising(EstimationStopped(b"here")))
    assert isinstance(outcome, Interrupted)
    assert outcome.checkpoint is not None
    assert BlobStore(bench.settings.data_dir).get(outcome.checkpoint) == b"here"


def test_without_room_for_a_checkpoint_it_is_given_back_all_the_same(
    bench: Bench,
) -> None:
    (bench.settings.data_dir / "blobs").write_text("in the way")
    outcome = bench.run(raising(EstimationStopped(b"here")))
    assert outcome == Interrupted(bench.claim.job.checkpoint)


def test_a_cancelled_job_is_that(bench: Bench, board: Any) -> None:
    board.cancel(bench.claim.job.id)
    bench.beat()
    assert bench.run(raising(EstimationStopped(b"here"))) == Cancelled()


def test_a_job_that_others_hold_is_lost(bench: Bench, client: redis.Redis) -> None:
    key = Keys(bench.settings.key_prefix)("job", bench.claim.job.id)
    client.hset(key, "token", "another")
    bench.beat()
    assert bench.run(raising(EstimationStopped(b"here"))) == Lost()


def test_a_checkpoint_that_is_gone_starts_the_training_anew(
    bench: Bench, board: Any, tmp_path: Path
) -> None:
    bench.queue.release(bench.claim, "0" * 64)
    [claim] = bench.queue.claim()
    bench.lifeline.hold([claim])
    bench.claim = claim
    seen: list[Any] = []

    def estimate(*_: Any, resume_from: bytes | None, **__: Any) -> Any:
        seen.append(resume_from)
        raise EstimationStopped(None)

    bench.run(estimate)
    assert (claim.job.checkpoint, seen) == ("0" * 64, [None])
