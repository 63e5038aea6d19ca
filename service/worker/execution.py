"""Carry out one claimed job: load, estimate, store. What came of it is a value."""

import json
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import structlog
from numpy.typing import NDArray

from kantor.estimator import Estimate, EstimateConfig, EstimationStopped, InvalidInput
from kantor.estimator.result import Progress
from kantor.service.queue import Claim, Holding, JobError, SampleRef
from kantor.service.store import BlobStore, DatasetStore, UnknownBlob, UnknownDataset
from kantor.service.worker.lifeline import Lifeline

log = structlog.get_logger(__name__)


class Estimation(Protocol):
    """The signature of `estimator.estimate_w1`."""

    def __call__(
        self,
        x: NDArray[Any],
        y: NDArray[Any],
        config: EstimateConfig,
        *,
        on_progress: Callable[[Progress], None] | None,
        should_stop: Callable[[], bool] | None,
        resume_from: bytes | None,
        source_weights: NDArray[Any] | None,
        target_weights: NDArray[Any] | None,
    ) -> Estimate:
        """Estimate W1 between two samples, each row with its weight if any."""


@dataclass(frozen=True)
class Succeeded:
    """The estimate is stored; digests of its document and of its critic."""

    result: str
    critic: str | None


@dataclass(frozen=True)
class Failed:
    """The job cannot succeed."""

    error: JobError


@dataclass(frozen=True)
class Cancelled:
    """Training stopped because the job was cancelled."""


@dataclass(frozen=True)
class Interrupted:
    """Training stopped because this worker shall end; another goes on from here."""

    checkpoint: str | None


@dataclass(frozen=True)
class Lost:
    """Training stopped because the job belongs to another worker now."""


class DeviceLost(Exception):
    """End the process: its CUDA context is broken, which only a new process mends.

    The job is not ended; its lease gives it to another worker, so that the limit on
    attempts also stops a job that breaks every device.
    """


Outcome = Succeeded | Failed | Cancelled | Interrupted | Lost


class Execution:
    """Runs claimed jobs with one estimation function, in this thread."""

    def __init__(
        self,
        estimate: Estimation,
        lifeline: Lifeline,
        *,
        datasets: DatasetStore,
        blobs: BlobStore,
        stopping: threading.Event,
    ) -> None:
        self._estimate = estimate
        self._lifeline = lifeline
        self._datasets = datasets
        self._blobs = blobs
        self._stopping = stopping

    def run(self, claim: Claim) -> Outcome:
        """Carry out a job; every error but one becomes an outcome.

        Raises:
            DeviceLost: The process has to end.
        """
        try:
            return self._store(self._train(claim))
        except EstimationStopped as stopped:
            return self._stopped(claim, stopped.checkpoint)
        except InvalidInput as error:
            return Failed(JobError("invalid_input", str(error)))
        except UnknownDataset as error:
            detail = f"The dataset {error.args[0]} is gone."
            return Failed(JobError("dataset_missing", detail))
        except Exception as error:  # noqa: BLE001  the worker outlives any job
            log.error("job_crashed", traceback=traceback.format_exc())
            return _crashed(error)

    def _train(self, claim: Claim) -> Estimate:
        job = claim.job
        return self._estimate(
            self._datasets.open_array(job.source.dataset),
            self._datasets.open_array(job.target.dataset),
            EstimateConfig.from_dict(job.config),
            on_progress=lambda p: self._lifeline.report(claim, progress_document(p)),
            should_stop=lambda: self._should_stop(claim),
            resume_from=self._checkpoint(claim),
            source_weights=self._weights(job.source),
            target_weights=self._weights(job.target),
        )

    def _weights(self, side: SampleRef) -> NDArray[Any] | None:
        if side.weights is None:
            return None
        return self._datasets.open_array(side.weights)[:, 0]

    def _store(self, estimate: Estimate) -> Outcome:
        document = json.dumps(estimate.to_dict(), allow_nan=False).encode()
        try:
            critic = self._blobs.put(estimate.critic) if estimate.critic else None
            return Succeeded(self._blobs.put(document), critic)
        except OSError as error:
            log.error("storage_failed", error=str(error))
            detail = f"The result could not be stored: {error.strerror}."
            return Failed(JobError("storage_failed", detail))

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
                return Interrupted(self._kept(checkpoint) or claim.job.checkpoint)

    def _kept(self, checkpoint: bytes | None) -> str | None:
        """Store a checkpoint; without one the job starts where it started before."""
        if checkpoint is None:
            return None
        try:
            return self._blobs.put(checkpoint)
        except OSError as error:
            log.warning("checkpoint_not_stored", error=str(error))
            return None

    def _should_stop(self, claim: Claim) -> bool:
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
