"""What callers receive: jobs, datasets and curves as JSON documents."""

import json
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel

from kantor.service.queue import JobRecord, JobStatus, WebhookRecord
from kantor.service.store import BlobStore, DatasetInfo, Reference

Document = dict[str, Any]


class SampleRefView(BaseModel):
    """One side of a job."""

    dataset: str
    n: int
    dim: int
    weights: str | None
    reference: str | None


class ErrorView(BaseModel):
    """Why a job failed."""

    code: str
    detail: str


class WebhookView(BaseModel):
    """A job's webhook, and whether it has been told of the end."""

    url: str
    events: list[str]
    status: Literal["waiting", "pending", "delivered", "failed", "skipped"]
    attempts: int
    last_attempt_at: str | None
    last_status: int | None
    last_error: str | None
    next_attempt_at: str | None


class JobView(BaseModel):
    """A job as it stands; times are RFC 3339 in UTC."""

    id: str
    status: JobStatus
    created_at: str
    started_at: str | None
    ended_at: str | None
    queue_position: int | None
    attempt: int
    cancel_requested: bool
    progress: Document | None
    source: SampleRefView
    target: SampleRefView
    config: Document
    labels: dict[str, str]
    priority: int
    deadline_s: float | None
    result: Document | None
    error: ErrorView | None
    cached: bool
    webhook: WebhookView | None
    links: dict[str, str]


class JobList(BaseModel):
    """A page of jobs, newest first, without their results."""

    data: list[JobView]
    next_cursor: str | None


class DatasetView(BaseModel):
    """A stored dataset."""

    id: str
    n: int
    dim: int
    dtype: str
    nbytes: int
    created_at: str
    columns: list[Document] | None


class VersionView(BaseModel):
    """A dataset that a name stood for from a time on."""

    dataset: str
    created_at: str


class ReferenceView(BaseModel):
    """A name, the dataset that it stands for, and its versions, the newest first."""

    name: str
    dataset: str
    created_at: str
    versions: list[VersionView]


class ReferenceList(BaseModel):
    """Your references, by name."""

    data: list[ReferenceView]


def job_document(record: JobRecord, *, result: Document | None = None) -> Document:
    """Describe a job; `result` is the estimate once it has succeeded."""
    deadline_s = None
    if record.deadline_at is not None:
        deadline_s = round(record.deadline_at - record.created_at, 3)
    told = {
        "status": record.status.value,
        "created_at": timestamp(record.created_at),
        "started_at": timestamp(record.started_at),
        "ended_at": timestamp(record.ended_at),
        "queue_position": record.position,
        "source": vars(record.source),
        "target": vars(record.target),
        "deadline_s": deadline_s,
        "result": result,
        "error": vars(record.error) if record.error else None,
        "webhook": webhook_document(record.webhook) if record.webhook else None,
        "links": _links(record.id),
    }
    names = JobView.model_fields  # those that are not told otherwise, as they are kept
    return {n: told[n] if n in told else getattr(record, n) for n in names}


def webhook_document(record: WebhookRecord) -> Document:
    """Describe a job's webhook."""
    return {
        "url": record.webhook.url,
        "events": record.webhook.events,
        "status": record.status,
        "attempts": record.attempts,
        "last_attempt_at": timestamp(record.last_attempt_at),
        "last_status": record.last_status,
        "last_error": record.last_error,
        "next_attempt_at": timestamp(record.next_attempt_at),
    }


def dataset_document(info: DatasetInfo) -> Document:
    """Describe a dataset."""
    return vars(info) | {"created_at": timestamp(info.created_at)}


def reference_document(reference: Reference) -> Document:
    """Describe a reference; `versions` are the newest first."""
    versions = [
        {"dataset": version.dataset, "created_at": timestamp(version.created_at)}
        for version in reversed(reference.versions)
    ]
    return {"name": reference.name, **versions[0], "versions": versions}


def load_result(record: JobRecord, blobs: BlobStore) -> Document | None:
    """Return the estimate of a job that has succeeded.

    Raises:
        UnknownBlob: It is no longer kept.
    """
    if record.result is None:
        return None
    document: Document = json.loads(blobs.get(record.result))
    return document


def timestamp(seconds: float | None) -> str | None:
    """Write a time as RFC 3339 in UTC, to the millisecond.

    >>> timestamp(1732361000.25)
    '2024-11-23T11:23:20.250Z'
    """
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _links(job_id: str) -> dict[str, str]:
    own = f"/v1/jobs/{job_id}"
    parts = ("events", "curve", "differences", "cancel", "critic", "scores", "report")
    witness = {"witness": f"{own}/witness"}  # the earlier name of `differences`
    return {"self": own} | {part: f"{own}/{part}" for part in parts} | witness
