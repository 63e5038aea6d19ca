"""Probes, metrics and facts about this service."""

import platform
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import anyio
import structlog
from anyio import to_thread
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from redis.exceptions import RedisError
from starlette.responses import JSONResponse, PlainTextResponse

from kantor.estimator.samples.pair import MIN_SAMPLES
from kantor.service.api.dependencies import OwnerDep, ServicesDep
from kantor.service.api.intake import Intake
from kantor.service.api.metrics import render_metrics
from kantor.service.formats import EXTENSIONS, MEDIA_TYPES
from kantor.service.queue import JobBoard, QueueStats
from kantor.service.store import DatasetStore

_PACKAGES = ("kantor", "torch", "numpy", "fastapi")

router = APIRouter(tags=["operations"])
log = structlog.get_logger("kantor.api")

REACH_S = 2.0
"""How long a bucket may take to answer a probe."""


@router.get("/healthz", summary="Is the process alive?")
async def health() -> dict[str, str]:
    """Answer as long as the process serves at all."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="Can it take jobs?",
    responses={503: {"description": "Not ready; says why"}},
)
async def ready(services: ServicesDep) -> Response:
    """Tell whether jobs can be taken, and if not, why.

    Lost GPUs and workers that are drained are reasons that are named; but jobs are
    accepted, what is stored can be read, and other workers may go on, so the answer
    stays 200.
    """
    reasons = [
        *await _queue_reasons(services.board),
        *_store_reasons(services.intake),
        *await _bucket_reasons(services.datasets),
    ]
    if reasons:
        log.warning("unready", reasons=reasons)
        return JSONResponse({"status": "unready", "reasons": reasons}, status_code=503)
    reasons = await _worker_reasons(services.board)
    return JSONResponse({"status": "ready", "reasons": reasons})


@router.get("/v1/info", summary="Versions and limits")
async def info(services: ServicesDep) -> dict[str, Any]:
    """Return versions, limits, the formats that are read, and what workers have.

    `workers` and `draining` are null while the queue cannot be asked.
    """
    settings, stats = services.settings, await _asked(services.board)
    return {
        "versions": {"python": platform.python_version()}
        | {name: found for name in _PACKAGES if (found := _version(name))},
        "limits": {
            "min_samples": MIN_SAMPLES,
            "max_samples": settings.max_samples,
            "max_dim": settings.max_dim,
            "max_body_bytes": settings.max_body_bytes,
            "max_json_bytes": settings.max_json_bytes,
            "max_json_rows": settings.max_json_rows,
            "max_dataset_bytes": settings.max_dataset_bytes,
            "max_record_bytes": settings.max_record_bytes,
            "max_files_per_key": settings.max_files_per_key,
            "max_stored_bytes_per_key": services.holdings.limit(),
            "max_uploads_per_key": settings.max_uploads_per_key,
            "max_streams_per_key": settings.max_streams_per_key,
            "max_queued_per_key": settings.queued_quota,
            "max_kept_per_key": settings.max_kept_per_key,
            "max_priority": settings.highest_priority,
            "max_queued": settings.max_queued,
            "max_attempts": settings.max_attempts,
            "max_job_memory_bytes": settings.max_job_memory_bytes,
            "max_job_operations": settings.max_job_operations,
            "default_deadline_s": settings.default_deadline_s,
        },
        "workers": _devices(stats) if stats else None,
        "draining": stats.draining if stats else None,
        "webhooks": services.webhooks is not None,
        "formats": list(MEDIA_TYPES),
        "extensions": list(EXTENSIONS),
        "authentication": "bearer" if services.access.asks else "none",
    }


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    summary="Metrics for Prometheus",
)
async def metrics(services: ServicesDep, owner: OwnerDep) -> Response:
    """Return counts and durations of the whole service, whoever serves them."""
    text = render_metrics(await services.board.stats(), await services.latencies.read())
    return Response(text, media_type=CONTENT_TYPE_LATEST)


async def _queue_reasons(board: JobBoard) -> list[dict[str, str]]:
    try:
        await board.check_writable()
    except RedisError as error:
        detail = f"the job queue takes nothing ({type(error).__name__})"
        return [{"code": "queue_unavailable", "detail": detail}]
    return []


async def _worker_reasons(board: JobBoard) -> list[dict[str, str]]:
    try:
        stats = await board.stats()
    except RedisError:  # it answered just now; the next probe says why
        return []
    reasons = []
    left = len(stats.live_workers)
    if stats.lost_gpus:
        detail = f"a worker found no GPU where it was to have one; {left} are left"
        reasons.append({"code": "gpu_lost", "detail": detail})
    if stats.draining != "none":
        count = sum(worker.draining for worker in stats.live_workers)
        detail = f"{count} of {left} workers claim no more jobs (kantor drain)"
        reasons.append({"code": "draining", "detail": detail})
    return reasons


async def _asked(board: JobBoard) -> QueueStats | None:
    try:
        return await board.stats()
    except RedisError:
        return None


def _devices(stats: QueueStats) -> list[dict[str, Any]]:
    """Return each kind of device, its memory, and how many workers have it."""
    kinds = Counter((w.device, w.memory_bytes) for w in stats.live_workers)
    return [
        {"device": device, "memory_bytes": memory, "count": count}
        for (device, memory), count in sorted(kinds.items())
    ]


def _store_reasons(intake: Intake) -> list[dict[str, str]]:
    try:
        with intake.folder() as folder:
            (Path(folder) / "probe").write_bytes(b"ok")
    except OSError as error:
        detail = f"the store cannot be written ({error.strerror})"
        return [{"code": "store_unavailable", "detail": detail}]
    return []


async def _bucket_reasons(datasets: DatasetStore) -> list[dict[str, str]]:
    try:
        with anyio.fail_after(REACH_S):
            await to_thread.run_sync(datasets.reach, abandon_on_cancel=True)
    except OSError as error:  # a timeout is one
        detail = f"the bucket does not answer ({type(error).__name__})"
        return [{"code": "store_unavailable", "detail": detail}]
    return []


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
