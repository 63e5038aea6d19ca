"""Errors of the service's HTTP door. Routes raise them; `problems` answers.

ServiceError
├── NotUnderstood          the body is not what its content type says
├── InvalidRequest         a part of the request is wrong; says which
│   ├── InvalidFile        sample bytes that cannot be read as one array
│   └── LimitExceeded      more samples, features or bytes than allowed
├── UnsupportedMedia       a content type or format that is not read here
├── MalformedRequest       not HTTP at all
├── RequestTooSlow         a request that does not come to its end
├── HeadTooLarge           more headers than any request needs
├── ServerBusy             as many connections as there may be
├── UploadsExceeded, StreamsExceeded   too many of one key are open
├── FilesExceeded          too many of one key are received or decoded
├── StorageExceeded        more bytes of one key than may be stored
├── RateExceeded           too many requests of one key
├── BodyTooLarge           more bytes than the operator allows
├── Unauthorized           no valid API key
├── ScopeMissing           an API key that may do other things
├── CrossSite              a page of another site asks through a visitor's browser
├── JobNotFound, DatasetNotFound, ReferenceNotFound, UploadNotFound
├── CriticUnreadable       a critic that an earlier version has stored
├── DatasetInUse           a reference stands for the dataset
├── WebhooksDisabled       a webhook is asked for, and the operator has none
├── BatchConflict          other samples were sent under the same index
├── DigestMismatch         a body is not what its Content-Digest says
└── JobNotFinished         asked for something that exists only at the end
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """One thing that is wrong with a request.

    Attributes:
        detail: What was expected and what was received.
        pointer: JSON pointer into the body, as `#/config/seed`.
        parameter: Name of the query, path or header parameter, for those.
    """

    detail: str
    pointer: str | None = None
    parameter: str | None = None

    def to_dict(self) -> dict[str, str]:
        """Return the parts that are there."""
        parts = {"pointer": self.pointer, "parameter": self.parameter}
        return {k: v for k, v in parts.items() if v is not None} | {
            "detail": self.detail
        }


class ServiceError(Exception):
    """Base of every error that a route raises on purpose.

    Attributes:
        detail: One sentence for the caller: what was expected, what was received.
        errors: The parts of the request it is about.
    """

    def __init__(self, detail: str, *errors: FieldError) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors


class NotUnderstood(ServiceError):
    """Reject a body that cannot be parsed at all."""


class InvalidRequest(ServiceError, ValueError):
    """Reject a request whose parts are readable but wrong."""

    @classmethod
    def at(cls, pointer: str, reason: str) -> "InvalidRequest":
        """Build from one JSON pointer and the reason it is wrong."""
        return cls(reason, FieldError(pointer=pointer, detail=reason))


class InvalidFile(InvalidRequest):
    """Reject sample bytes that cannot be read as one array of numbers."""


class LimitExceeded(InvalidRequest):
    """Reject more samples, features or bytes than this service takes."""


class UnsupportedMedia(ServiceError):
    """Reject a content type that this route does not read."""


class BodyTooLarge(ServiceError):
    """Reject a body over the configured number of bytes."""

    def __init__(self, max_bytes: int, setting: str = "max_body_bytes") -> None:
        super().__init__(
            f"expected a body of at most {max_bytes} bytes ({setting}), received more"
        )


class MalformedRequest(ServiceError):
    """Refuse bytes that are no HTTP request."""

    def __init__(self) -> None:
        super().__init__("expected an HTTP/1.1 request, received something else")


class RequestTooSlow(ServiceError):
    """Give up on a request whose rest does not come."""

    def __init__(self) -> None:
        super().__init__("expected the rest of the request sooner")


class HeadTooLarge(ServiceError):
    """Refuse a request whose headers are too many or too large."""


class ServerBusy(ServiceError):
    """Turn a connection away, since there are as many as there may be."""

    def __init__(self) -> None:
        super().__init__("expected fewer connections at once; try again shortly")


class Unauthorized(ServiceError):
    """Refuse a request without a valid API key; never says which part was wrong."""

    def __init__(self) -> None:
        super().__init__("expected the header Authorization: Bearer <API key>")


class ScopeMissing(ServiceError):
    """Refuse what an API key is not allowed to do."""

    def __init__(self, needed: str, scopes: Sequence[str]) -> None:
        super().__init__(
            f"expected an API key with the scope {needed}, received one with "
            f"{', '.join(scopes)}"
        )


class CrossSite(ServiceError):
    """Refuse what a browser sends on behalf of another site's page.

    Without API keys, being on this machine is all the permission there is, and every
    page that is open in a browser here would have it.
    """

    def __init__(self) -> None:
        super().__init__(
            "expected a request from this machine or to one of KANTOR_ALLOWED_HOSTS, "
            "and not from a page of another site (KANTOR_ALLOWED_ORIGINS)"
        )


class RateExceeded(ServiceError):
    """Turn away a request of a key that has sent too many.

    Attributes:
        retry_after_s: When the next one may come.
    """

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"expected the next request in {retry_after_s:.1f} s")
        self.retry_after_s = retry_after_s


class JobNotFound(ServiceError, LookupError):
    """Report that no such job is known (never was, was deleted, or has expired)."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"no job {job_id!r}; it may have been deleted or expired")


class DatasetNotFound(ServiceError, LookupError):
    """Report that no such dataset is stored."""

    def __init__(self, dataset_id: str, pointer: str | None = None) -> None:
        detail = f"no dataset {dataset_id!r}; upload it first"
        errors = [FieldError(pointer=pointer, detail=detail)] if pointer else []
        super().__init__(detail, *errors)


class ReferenceNotFound(ServiceError, LookupError):
    """Report that a name stands for no dataset."""

    def __init__(self, name: str, pointer: str | None = None) -> None:
        detail = f"no reference {name!r}; name a dataset so first"
        errors = [FieldError(pointer=pointer, detail=detail)] if pointer else []
        super().__init__(detail, *errors)


class DatasetInUse(ServiceError):
    """Refuse to delete a dataset that a reference stands for, or has stood for."""

    def __init__(self, dataset_id: str, name: str) -> None:
        super().__init__(
            f"expected a dataset without a name, received {dataset_id!r}, a version of "
            f"the reference {name!r}: delete the reference first"
        )


class UploadNotFound(ServiceError, LookupError):
    """Report that no such upload is open."""

    def __init__(self, upload_id: str) -> None:
        super().__init__(f"no upload {upload_id!r}; it may be completed or expired")


class UploadsExceeded(ServiceError):
    """Turn away an upload of a key that has too many open."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"expected at most {most} open uploads (max_uploads_per_key), received "
            "one more: complete or drop some"
        )


class StreamsExceeded(ServiceError):
    """Turn away an event stream of a key that has too many open."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"expected at most {most} open event streams (max_streams_per_key), "
            "received one more: close some"
        )


class FilesExceeded(ServiceError):
    """Turn away a file of a key of which as many are received or decoded."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"expected at most {most} files at once (max_files_per_key), received one "
            "more: send it when others are answered"
        )


class StorageExceeded(ServiceError):
    """Refuse samples of a key that has as many stored as it may have."""

    def __init__(self, most: int, held: int, received: int) -> None:
        super().__init__(
            f"expected at most {most} stored bytes (max_stored_bytes_per_key), "
            f"received {received} beside {held} that are stored: delete datasets"
        )


class CriticUnreadable(ServiceError):
    """Report that a critic was stored in a form that is no longer read."""

    def __init__(self) -> None:
        super().__init__(
            "expected a critic of this version, received one that an earlier version "
            "has stored: submit the job again"
        )


class WebhooksDisabled(ServiceError):
    """Refuse a webhook where the operator has not enabled them."""

    def __init__(self) -> None:
        detail = "expected no webhook: they are not enabled on this service"
        super().__init__(detail, FieldError(pointer="#/webhook", detail=detail))


class BatchConflict(ServiceError):
    """Refuse to replace a batch by other samples."""


class DigestMismatch(ServiceError):
    """Refuse a body that is damaged, or a Content-Digest that is not understood."""


class JobNotFinished(ServiceError):
    """Report that an answer exists only once the job has succeeded."""
