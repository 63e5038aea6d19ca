"""What a client raises: one class for each thing that a caller can do about it.

KantorError             anything; `problem` is the service's document
├── Refused (ValueError)  the request is wrong; `field` and `fields` say where
├── AccessDenied        an API key is missing or wrong
├── NotFound (LookupError)  no such job, dataset, upload or reference, or no longer
├── Conflict            not now: not finished, or another one came before
├── Busy                too much is asked of the service; `retry_after_s`
├── ServiceFailed       the service itself went wrong
├── Unreachable         no answer came
└── JobFailed           the job has no result: it failed or was cancelled
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import httpx

Document = dict[str, Any]


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field.

    Attributes:
        field: As a path with points, such as `config.seed`; empty: the whole body.
        detail: What was expected, and what was received.
    """

    field: str
    detail: str


class KantorError(Exception):
    """Carry the problem document with which the service refused a request.

    Attributes:
        problem: The RFC 9457 document; `code` and `detail` are always there.
        retry_after_s: How long the service asked to wait, where it did.
    """

    def __init__(self, problem: Document, retry_after_s: float | None = None) -> None:
        super().__init__(problem["detail"])
        self.problem = problem
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[type["KantorError"], tuple[Document, float | None]]:
        """Rebuild from all parts, so that the error survives a process boundary."""
        return type(self), (self.problem, self.retry_after_s)

    @property
    def code(self) -> str:
        """The stable machine-readable code, listed in docs/errors.md."""
        return str(self.problem["code"])

    @property
    def status(self) -> int | None:
        """The HTTP status, or None where no answer came."""
        return self.problem.get("status")

    @property
    def request_id(self) -> str | None:
        """What finds the request in the service's logs."""
        return self.problem.get("request_id")

    @property
    def fields(self) -> list[FieldProblem]:
        """What is wrong, field by field."""
        return [
            FieldProblem(_path_of(item), str(item.get("detail", "")))
            for item in self.problem.get("errors", [])
            if isinstance(item, dict)
        ]

    @property
    def field(self) -> str | None:
        """The first field that is wrong; None where no field is to blame."""
        return next((found.field for found in self.fields), None)


class Refused(KantorError, ValueError):
    """Say that the request is wrong: sending it again gives the same answer."""


class AccessDenied(KantorError):
    """Say that an API key is missing, wrong, or of no use here."""


class NotFound(KantorError, LookupError):
    """Say that there is no such thing, or not any more, or that it is another's."""


class Conflict(KantorError):
    """Say that it does not go together with what is there."""


class Busy(KantorError):
    """Say that it may go later, after `retry_after_s`."""


class ServiceFailed(KantorError):
    """Say that the service went wrong; `request_id` finds it in the logs."""


class Unreachable(KantorError):
    """Say that no answer came."""


class JobFailed(KantorError):
    """Say that a job has ended without a result; `code` and the text say why."""


_BY_STATUS: dict[int, type[KantorError]] = {
    401: AccessDenied,
    403: AccessDenied,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    429: Busy,
    502: Busy,
    503: Busy,
    504: Busy,
}


def error_of(response: httpx.Response) -> KantorError | None:
    """Return what an answer complains of; None if it does not."""
    if not response.is_error:
        return None
    status = response.status_code
    family = Refused if status < HTTPStatus.INTERNAL_SERVER_ERROR else ServiceFailed
    kind = _BY_STATUS.get(status, family)
    return kind(_problem(response), retry_after_s(response.headers))


def silence(base_url: httpx.URL | str, error: Exception) -> Unreachable:
    """Return what to raise where no answer came."""
    detail = f"no answer from {base_url}: {error or type(error).__name__}"
    document = {"code": "unreachable", "title": "Service unreachable"}
    return Unreachable(document | {"detail": detail})


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of `Retry-After`, which may be a date (RFC 9110).

    >>> retry_after_s({"retry-after": "7"})
    7.0
    """
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    text = headers.get("retry-after", "")
    try:
        if text.strip().isdigit():
            return float(text)
        left = parsedate_to_datetime(text) - datetime.now(UTC)
        return max(0.0, left.total_seconds())
    except (TypeError, ValueError):
        return None


def _problem(response: httpx.Response) -> Document:
    """Return the problem document, or one made from an answer that has none."""
    fallback: Document = {
        "code": "unexpected_answer",
        "status": response.status_code,
        "detail": f"HTTP {response.status_code} {response.reason_phrase}",
    }
    if "json" not in response.headers.get("content-type", ""):
        return fallback
    try:
        document = response.json()
    except ValueError:
        return fallback
    return fallback | document if isinstance(document, dict) else fallback


def _path_of(item: Mapping[str, Any]) -> str:
    """Write a JSON pointer (RFC 6901) or a parameter as a path with points."""
    if "parameter" in item:
        return str(item["parameter"])
    parts = str(item.get("pointer", "")).removeprefix("#").split("/")[1:]
    plain = (unquote(p).replace("~1", "/").replace("~0", "~") for p in parts)
    return ".".join(plain)
