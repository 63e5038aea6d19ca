"""What a notification says: which job ended, how, and the headline of its result."""

import json

from service.api.views import Document, job_document, load_result, timestamp
from service.queue import JobRecord
from service.store import BlobStore, UnknownBlob

HEADLINE = ("estimate", "standard_error", "lower_bound", "confidence", "p_value")
"""Parts of the result that are told; `links.self` leads to the whole."""

_TOLD = ("id", "status", "created_at", "ended_at", "labels", "cached", "error", "links")


def message_id(record: JobRecord) -> str:
    """Return the id of the one message that a job's end causes."""
    return f"msg_{record.id.removeprefix('job_')}"


def message_body(record: JobRecord, blobs: BlobStore) -> bytes:
    """Return the JSON text; the same for every attempt, since ended jobs never change.

    Reads the result from the store, so it belongs into a thread.
    """
    document = job_document(record)
    data = {name: document[name] for name in _TOLD}
    message = {
        "type": f"job.{record.status}",
        "timestamp": timestamp(record.ended_at),
        "data": data | {"result": _headline(record, blobs)},
    }
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode()


def _headline(record: JobRecord, blobs: BlobStore) -> Document | None:
    try:
        result = load_result(record, blobs)
    except UnknownBlob:  # swept before the webhook could be told
        return None
    return None if result is None else {name: result[name] for name in HEADLINE}
