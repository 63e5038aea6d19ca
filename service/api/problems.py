"""Turn every error into one kind of answer: `application/problem+json` (RFC 9457).

`PROBLEMS` is the whole mapping from exceptions to statuses and stable codes; a subclass
without a row of its own takes that of its nearest ancestor. docs/errors.md explains
each code to callers, and a test keeps the two together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException

from kantor.estimator.errors import InvalidConfig, InvalidSamples
from kantor.service.api import errors
from kantor.service.api.errors import FieldError, ServiceError
from kantor.service.queue import (
    IdempotencyConflict,
    IdempotentJobGone,
    PriorityTooHigh,
    QueueFull,
    QuotaExceeded,
)
from kantor.service.store import UnknownBlob

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2


@dataclass(frozen=True)
class ProblemKind:
    """What all problems of one code have in common."""

    status: int
    code: str
    title: str
    retry_after_s: int | None = None


INTERNAL = ProblemKind(500, "internal_error", "Internal error")

PROBLEMS: dict[type[Exception], ProblemKind] = {
    errors.NotUnderstood: ProblemKind(400, "not_understood", "Body not understood"),
    errors.MalformedRequest: ProblemKind(400, "malformed_request", "Not HTTP"),
    errors.Unauthorized: ProblemKind(401, "unauthorized", "API key needed"),
    errors.ScopeMissing: ProblemKind(403, "scope_missing", "Not allowed to this key"),
    errors.CrossSite: ProblemKind(403, "cross_site", "Request of another site"),
    errors.JobNotFound: ProblemKind(404, "job_not_found", "No such job"),
    errors.DatasetNotFound: ProblemKind(404, "dataset_not_found", "No such dataset"),
    errors.ReferenceNotFound: ProblemKind(
        404, "reference_not_found", "No such reference"
    ),
    errors.UploadNotFound: ProblemKind(404, "upload_not_found", "No such upload"),
    errors.DigestMismatch: ProblemKind(
        400, "digest_mismatch", "Body differs from its digest"
    ),
    errors.RequestTooSlow: ProblemKind(408, "request_timeout", "Request too slow"),
    errors.DatasetInUse: ProblemKind(409, "dataset_in_use", "Dataset in use"),
    errors.BatchConflict: ProblemKind(409, "batch_conflict", "Batch already here"),
    errors.JobNotFinished: ProblemKind(409, "job_not_finished", "Job not finished"),
    UnknownBlob: ProblemKind(410, "result_gone", "Result no longer kept"),
    IdempotentJobGone: ProblemKind(410, "job_gone", "Job no longer kept"),
    errors.CriticUnreadable: ProblemKind(
        410, "critic_unreadable", "Critic of an earlier version"
    ),
    errors.StorageExceeded: ProblemKind(
        413, "storage_exceeded", "Too many stored bytes"
    ),
    errors.BodyTooLarge: ProblemKind(413, "body_too_large", "Body too large"),
    errors.UnsupportedMedia: ProblemKind(
        415, "unsupported_media_type", "Format not read here"
    ),
    errors.InvalidRequest: ProblemKind(422, "invalid_request", "Invalid request"),
    RequestValidationError: ProblemKind(422, "invalid_request", "Invalid request"),
    errors.InvalidFile: ProblemKind(422, "invalid_file", "Unreadable samples"),
    errors.LimitExceeded: ProblemKind(422, "limit_exceeded", "Over a limit"),
    PriorityTooHigh: ProblemKind(422, "limit_exceeded", "Over a limit"),
    InvalidSamples: ProblemKind(422, "invalid_samples", "Invalid samples"),
    InvalidConfig: ProblemKind(422, "invalid_config", "Invalid setting"),
    IdempotencyConflict: ProblemKind(
        422, "idempotency_conflict", "Idempotency key used for another request"
    ),
    errors.WebhooksDisabled: ProblemKind(422, "webhooks_disabled", "No webhooks here"),
    errors.HeadTooLarge: ProblemKind(431, "head_too_large", "Headers too large"),
    errors.RateExceeded: ProblemKind(429, "rate_exceeded", "Too many requests"),
    QuotaExceeded: ProblemKind(429, "quota_exceeded", "Too many unfinished jobs", 10),
    errors.UploadsExceeded: ProblemKind(429, "too_many_uploads", "Too many uploads"),
    errors.FilesExceeded: ProblemKind(429, "too_many_files", "Too many files", 2),
    errors.StreamsExceeded: ProblemKind(
        429, "too_many_streams", "Too many event streams", 10
    ),
    errors.ServerBusy: ProblemKind(503, "server_busy", "Server busy", RETRY_AFTER_S),
    QueueFull: ProblemKind(503, "queue_full", "Queue full", 10),
    RedisError: ProblemKind(
        503, "queue_unavailable", "Queue unavailable", RETRY_AFTER_S
    ),
    OSError: ProblemKind(503, "store_unavailable", "Store unavailable", RETRY_AFTER_S),
    Exception: INTERNAL,
}

FRAMEWORK_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    416: "range_not_satisfiable",
}
"""Codes for what the router itself answers, by status."""

_FIXED_DETAILS = {
    "result_gone": "The job's result is no longer kept.",
    "job_gone": (
        "The job that this Idempotency-Key stands for was deleted or has expired."
    ),
    "idempotency_conflict": "This Idempotency-Key stands for a different request.",
    "queue_full": "The queue takes no more jobs at present; try again later.",
    "internal_error": "The service failed; the request id finds it in the logs.",
    "queue_unavailable": "The job queue cannot be reached; try again shortly.",
    "store_unavailable": "The sample store cannot be used; try again shortly.",
}
"""Shown in place of messages that may hold addresses or paths."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One answer to one failed request."""

    kind: ProblemKind
    detail: str
    errors: Sequence[FieldError] = ()
    retry_after_s: float | None = None

    def to_dict(self, *, instance: str, request_id: str) -> dict[str, Any]:
        """Return the RFC 9457 document."""
        return {
            "type": f"urn:kantor:problem:{self.kind.code}",
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "instance": instance,
            "code": self.kind.code,
            "errors": [error.to_dict() for error in self.errors],
            "request_id": request_id,
        }


def problem_for(error: Exception) -> Problem:
    """Describe any exception as a problem; the unforeseen ones as `internal_error`."""
    if isinstance(error, HTTPException):
        return _framework_problem(error)
    kind = next(PROBLEMS[base] for base in type(error).__mro__ if base in PROBLEMS)
    retry_after_s = getattr(error, "retry_after_s", kind.retry_after_s)
    found = _field_errors(error)
    return Problem(
        kind=kind,
        detail=_FIXED_DETAILS.get(kind.code) or _detail(error, found),
        errors=found,
        retry_after_s=retry_after_s,
    )


def pointer(location: Sequence[str | int]) -> str:
    """Write a path into a JSON document as a URI fragment (RFC 6901, section 6).

    Parts in brackets (`<inline>`, `[key]`) are names of the schema's own, not of the
    caller's document, and are left out.

    >>> pointer(["source", "<inline>", "samples", 3])
    '#/source/samples/3'
    """
    parts = [str(part) for part in location if not _is_schema_name(part)]
    escaped = (part.replace("~", "~0").replace("/", "~1") for part in parts)
    return "#" + "".join("/" + quote(part, safe="") for part in escaped)


def field_errors(
    found: Sequence[Mapping[str, Any]], *, source: str | None = None
) -> list[FieldError]:
    """Translate pydantic's error list.

    Args:
        found: Items of `ValidationError.errors()`.
        source: Where all of them are from; None where the first part of each location
            says it, as FastAPI does (`body`, `query`, `path`, `header`).
    """
    translated = []
    for item in found:
        place, *location = [source, *item["loc"]] if source else [*item["loc"]]
        if place == "body":
            where = {"pointer": pointer(location)}
        else:
            where = {"parameter": ".".join(map(str, location))}
        translated.append(FieldError(detail=_expected(item), **where))
    return translated


def _is_schema_name(part: str | int) -> bool:
    return isinstance(part, str) and part[:1] in {"<", "["}


def _expected(item: Mapping[str, Any]) -> str:
    """Say what was expected and, where it is short, what was received."""
    received = repr(item.get("input"))
    message = str(item["msg"])
    if item["type"] == "extra_forbidden":
        return f"unknown field {item['loc'][-1]!r}"
    if item["type"] == "missing" or len(received) > 80:
        return message
    return f"{message}, received {received}"


def _field_errors(error: Exception) -> Sequence[FieldError]:
    match error:
        case ServiceError():
            return error.errors
        case InvalidConfig():
            return [FieldError(pointer=f"#/config/{error.field}", detail=error.reason)]
        case InvalidSamples():
            place = f"#/{error.field}" if error.field else "#"
            return [FieldError(pointer=place, detail=error.reason)]
        case PriorityTooHigh():
            return [FieldError(pointer="#/priority", detail=str(error))]
        case RequestValidationError():
            return field_errors(error.errors())
        case _:
            return ()


def _detail(error: Exception, found: Sequence[FieldError]) -> str:
    if isinstance(error, RequestValidationError):
        return "; ".join(item.detail for item in found)
    return str(error)


def _framework_problem(error: HTTPException) -> Problem:
    title = HTTPStatus(error.status_code).phrase
    code = FRAMEWORK_CODES.get(error.status_code, "not_understood")
    return Problem(
        kind=ProblemKind(error.status_code, code, title), detail=str(error.detail)
    )
