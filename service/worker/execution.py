"""Carry out one claimed job: load, estimate, store. What came of it is a value."""

import json
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Protocol

import structlog
from numpy.typing import NDArray

from kantor.estimator import Estimate, EstimateConfig, EstimationStopped, InvalidInput
from kantor.estimator.result import Progress
from kantor.service.queue import Claim, Holding, JobError, SampleRef
from kantor.service.store import (
    BlobStore,
    DamagedDataset,
    DatasetStore,
    Stored,
    UnknownBlob,
    UnknownDataset,
)
from kantor.service.trails import Trail
from kantor.service.worker.lifeline import Lifeline
from kantor.service.worker.outcomes import (
    Cancelled,
    Failed,
    Interrupted,
    Lost,
    Outcome,
    Succeeded,
)

STORE_AGAIN_S = 1.0

log = structlog.get_logger(__name__)


class Estimation(Protocol):
    """The signature of `estimator.estimate_w1`."""

    def __call__(
        self,
        x: Stored,
        y: Stored,
        /,
        config: EstimateConfig,
        *,
        on_progress: Callable[[Progress], None] | None,
        should_stop: Callable[[], bool] | None,
        resume_from: bytes | None,
        source_weights: NDArray[Any] | None,
        target_weights: NDArray[Any] | None,
    ) -> Estimate:
        """Estimate W1 between two samples, each row with its weight if any."""


class DeviceLost(Exception):
    """End the process: its CUDA context is broken, which only a new process mends.

    The job is not ended; its lease gives it to another worker, so that the limit on
    attempts also stops a job that breaks every device.
    """


class Execution:
    """Runs claimed jobs with one estimation function, each in its caller's thread."""

    def __init__(
        self,
        estimate: Estimation,
        lifeline: Lifeline,
        *,
        datasets: DatasetStore,
        blobs: BlobStore,
        stopping: threading.Event,
        storing_s: float,
    ) -> None:
        self._estimate = estimate
        self._lifeline = lifeline
        self._datasets = datasets
        self._blobs = blobs
        self._stopping = stopping
        self._storing_s = storing_s

    def run(self, claim: Claim, trail: Trail | None = None) -> Outcome:
        """Carry out a job; every error but one becomes an outcome.

        Args:
            claim: Of the job.
            trail: Takes down how long each part took.

        Raises:
            DeviceLost: The process has to end.
        """
        trail = trail or Trail()
        self._lifeline.watchdog.begin(claim)
        try:
            estimate = self._train(claim, trail)
            with trail.step("store"):
                return self._store(claim, estimate)
        except EstimationStopped as stopped:
            return self._stopped(claim, stopped.checkpoint)
        except InvalidInput as error:
            return Failed(JobError("invalid_input", str(error)))
        except DamagedDataset as error:
            detail = (
                f"The dataset {error.args[0]} was damaged on disk; upload it again."
            )
            return Failed(JobError("dataset_damaged", detail))
        except UnknownDataset as error:
            detail = f"The dataset {error.args[0]} is gone."
            return Failed(JobError("dataset_missing", detail))
        except Exception as error:  # noqa: BLE001  the worker outlives any job
            log.error("job_crashed", traceback=traceback.format_exc())
            return _crashed(error)
        finally:
            self._lifeline.watchdog.end(claim)

    def _train(self, claim: Claim, trail: Trail) -> Estimate:
        job = claim.job
        with trail.step("load"):
            source = self._datasets.open(job.source.dataset)
            target = self._datasets.open(job.target.dataset)
            checkpoint = self._checkpoint(claim)
            source_weights = self._weights(job.source)
            target_weights = self._weights(job.target)

        def report(progress: Progress) -> None:
            trail.note_report()
            self._lifeline.report(claim, progress_document(progress))

        with trail.training():
            return self._estimate(
                source,
                target,
                EstimateConfig.from_dict(job.config),
                on_progress=report,
                should_stop=lambda: self._should_stop(claim),
                resume_from=checkpoint,
                source_weights=source_weights,
                target_weights=target_weights,
            )

    def _weights(self, side: SampleRef) -> NDArray[Any] | None:
        if side.weights is None:
            return None
        return self._datasets.open_array(side.weights)[:, 0]

    def _store(self, claim: Claim, estimate: Estimate) -> Outcome:
        """Store the estimate; a disk that is full is waited for.

        What was trained for hours is worth more than a worker that waits. It ends when
        the job is cancelled or past its deadline, or the worker shall end.
        """
        document = json.dumps(estimate.to_dict(), allow_nan=False).encode()
        give_up_at = time.monotonic() + self._storing_s
        while True:
            try:
                critic = self._blobs.put(estimate.critic) if estimate.critic else None
                return Succeeded(self._blobs.put(document), critic)
            except OSError as error:
                log.error("storage_failed", error=str(error))
                if time.monotonic() > give_up_at:
                    detail = f"The result could not be stored: {error.strerror}."
                    return Failed(JobError("storage_failed", detail))
            if self._should_stop(claim):
                return self._stopped(claim, None)
            time.sleep(STORE_AGAIN_S)

    def _stopped(self, claim: Claim, checkpoint: bytes | None) -> Outcome:
        match self._lifeline.holding(claim):
            case Holding.LOST:
                return Lost()
            case Holding.CANCEL:
                return Cancelled()
            case Holding.DEADLINE:
                detail = "The deadline passed while the job was running."
                return Failed(JobError("deadline_exceeded", detail))
            case Holding.HELD:
                return Interrupted(self._kept(claim, checkpoint))

    def _kept(self, claim: Claim, checkpoint: bytes | None) -> str | None:
        """Store a checkpoint; where that fails, the one before it has to do."""
        if checkpoint is None:
            return claim.job.checkpoint
        try:
            return self._blobs.put(checkpoint)
        except OSError as error:
            log.error("checkpoint_lost", error=str(error))
            return claim.job.checkpoint

    def _should_stop(self, claim: Claim) -> bool:
        self._lifeline.watchdog.pulse(claim)
        return self._stopping.is_set() or self._lifeline.holding(claim) != Holding.HELD

    def _checkpoint(self, claim: Claim) -> bytes | None:
        if claim.job.checkpoint is None:
            return None
        try:
            return self._blobs.get(claim.job.checkpoint)
        except (UnknownBlob, OSError) as error:
            log.warning("checkpoint_missing", error=repr(error))
            return None


def _crashed(error: Exception) -> Failed:
    """Say what is safe to say about an unexpected error.

    Raises:
        DeviceLost: The process cannot use its device any more.
    """
    kind = type(error).__name__  # torch's own classes, without importing torch
    if kind == "AcceleratorError":
        raise DeviceLost from error
    if kind in ("OutOfMemoryError", "MemoryError"):
        detail = "The worker's memory does not suffice for this job."
        return Failed(JobError("out_of_memory", detail))
    detail = "The estimation failed unexpectedly; the server's log has more."
    return Failed(JobError("internal_error", detail))


def progress_document(progress: Progress) -> dict[str, Any]:
    """Return a report as JSON: where the training is, and its newest curve point."""
    point = asdict(progress.point) if progress.point else {}
    return point | {"step": progress.step, "max_steps": progress.max_steps}
