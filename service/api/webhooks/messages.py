"""What a notification says: which job ended, how, and the headline of its result."""

import json
from typing import Literal

from pydantic import BaseModel

from kantor.service.api.schemas import WebhookEvent
from kantor.service.api.views import (
    Document,
    ErrorView,
    job_document,
    load_result,
    timestamp,
)
from kantor.service.queue import JobRecord
from kantor.service.store import BlobStore, UnknownBlob


class HeadlineView(BaseModel):
    """The parts of a result that are told; `links.self` leads to the whole."""

    estimate: float
    standard_error: float
    lower_bound: float
    confidence: float
    p_value: float


class EndedJobView(BaseModel):
    """A job that has ended; `result` is null unless it succeeded and is still kept."""

    id: str
    status: Literal["succeeded", "failed", "cancelled"]
    created_at: str
    ended_at: str
    labels: dict[str, str]
    cached: bool
    error: ErrorView | None
    links: dict[str, str]
    result: HeadlineView | None


class MessageView(BaseModel):
    """What a webhook is told."""

    type: WebhookEvent
    timestamp: str
    data: EndedJobView


def message_id(record: JobRecord) -> str:
    """Return the id of the one message that a job's end causes."""
    return f"msg_{record.id.removeprefix('job_')}"


def message_body(record: JobRecord, blobs: BlobStore) -> bytes:
    """Return the JSON text; the same for every attempt, since ended jobs never change.

    Reads the result from the store, so it belongs into a thread.
    """
    document = job_document(record)
    told = {name: document[name] for name in EndedJobView.model_fields}
    message = {
        "type": f"job.{record.status}",
        "timestamp": timestamp(record.ended_at),
        "data": told | {"result": _headline(record, blobs)},
    }
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode()


def _headline(record: JobRecord, blobs: BlobStore) -> Document | None:
    try:
        result = load_result(record, blobs)
    except UnknownBlob:  # swept before the webhook could be told
        return None
    if result is None:
        return None
    return {name: result[name] for name in HeadlineView.model_fields}
