"""What every request passes through: an id, a body limit, headers, log lines, a clock.

Plain ASGI, so that it also covers what the framework answers by itself, and never
holds a body or a stream back.
"""

import math
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kantor.service.api import audit
from kantor.service.api.errors import BodyTooLarge
from kantor.service.api.problems import MEDIA_TYPE, Problem, problem_for
from kantor.service.api.templates import route_template

if TYPE_CHECKING:
    from kantor.service.otel import RequestSpan, Tracer

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; "
        "base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Encode headers as ASGI has them."""
    return [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()]


_COMMON = _raw(SECURITY_HEADERS)
_QUIET_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})

log = structlog.get_logger("kantor.api")


def problem_response(problem: Problem, scope: Scope) -> JSONResponse:
    """Render a problem as the answer to the request of `scope`."""
    scope["state"]["problem"] = problem.kind.code
    headers = {}
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(math.ceil(problem.retry_after_s))
    if problem.kind.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    document = problem.to_dict(instance=scope["path"], request_id=request_id(scope))
    return JSONResponse(document, problem.kind.status, headers, MEDIA_TYPE)


def request_id(scope: Scope) -> str:
    """Return the id of the request, as in its `X-Request-ID` header and the logs."""
    return str(scope["state"]["request_id"])


def new_request_id() -> str:
    """Return an id that no other request has."""
    return f"req_{random.getrandbits(64):016x}"


Observe = Callable[[str, str, int | None, float], None]
"""Takes method, template of the route, status and seconds until the answer began."""


@dataclass
class _Answer:
    """What has become of a request so far; times are of the performance counter."""

    asked_at: float = field(default_factory=time.perf_counter)
    began_at: float | None = None
    status: int | None = None
    location: str | None = None
    span: "RequestSpan | None" = None

    def begin(self, message: Message) -> None:
        """Note the start of an answer."""
        self.began_at = time.perf_counter()
        self.status = message["status"]
        for name, value in message.get("headers", []):
            if name == b"location":
                self.location = value.decode("latin-1")


class RequestContext:
    """Gives each request an id, each answer its headers, and each end its log lines.

    A HEAD request is asked as GET, and its answer ends after the headers.
    An exception that nothing else has answered is logged with its traceback and
    answered as `internal_error`.
    """

    def __init__(
        self,
        app: ASGIApp,
        observe: Observe | None = None,
        tracer: "Tracer | None" = None,
    ) -> None:
        """Wrap an application.

        Args:
            app: What answers.
            observe: Told of each request when it has been answered.
            tracer: Makes spans of requests, where there are traces.
        """
        self._app = app
        self._observe = observe
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = new_request_id()
        structlog.contextvars.bind_contextvars(request_id=request_id(scope))
        answer = _Answer(span=self._begin_span(scope))
        is_head = scope["method"] == "HEAD"
        asked = {**scope, "method": "GET"} if is_head else scope

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.begin(message)
                # Before the answer: who has seen it, finds its line.
                audit.tell(asked, status=answer.status, location=answer.location)
                message["headers"] = with_common(message.get("headers", []), scope)
                await send(message)
                if is_head:  # ended here, so that an event stream ends too
                    await send({"type": "http.response.body"})
            elif not is_head:
                await send(message)

        try:
            await self._app(asked, receive, send_with_headers)
        except ClientDisconnect:
            log.info("caller left", path=scope["path"])
        except Exception as error:
            log.exception("request failed", path=scope["path"])
            if answer.status is not None:
                raise
            await problem_response(problem_for(error), scope)(
                scope, receive, send_with_headers
            )
        finally:
            self._note(scope, asked, answer)
            structlog.contextvars.unbind_contextvars("request_id")

    def _begin_span(self, scope: Scope) -> "RequestSpan | None":
        if self._tracer is None or scope["path"] in _QUIET_PATHS:
            return None
        given = Headers(scope=scope).get("traceparent")
        span = self._tracer.begin_request(scope["method"], given)
        scope["state"]["traceparent"] = span.traceparent
        return span

    def _note(self, scope: Scope, asked: Scope, answer: _Answer) -> None:
        """Write log lines, and tell how long it took until the answer began."""
        _log_request(scope, answer)
        if answer.status is None:
            audit.tell(asked, status=None, location=None)
        route = route_template(asked)
        if answer.span is not None:
            answer.span.end(scope["method"], route, answer.status, request_id(scope))
        if self._observe is not None:
            until = answer.began_at or time.perf_counter()
            elapsed_s = until - answer.asked_at
            self._observe(scope["method"], route, answer.status, elapsed_s)


def with_common(
    given: Iterable[tuple[bytes, bytes]], scope: Scope
) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers, and of the common ones those it has not set."""
    own = scope["state"].get("headers")
    given = list(given)
    names = {name for name, _ in given}
    given += [pair for pair in _COMMON if pair[0] not in names]
    if own:
        given += _raw(own)
    given.append((b"x-request-id", request_id(scope).encode()))
    return given


class ProblemsOnly:
    """Answers with a problem where a library answers with a line of plain text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        replaced = False

        async def send_problem(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and _is_plain_error(message):
                replaced = True
                problem = problem_for(HTTPException(message["status"]))
                response = problem_response(problem, scope)
                kept = [h for h in message["headers"] if h[0] == b"content-range"]
                response.raw_headers += kept
                await response(scope, receive, send)
            elif not replaced:
                await send(message)

        await self._app(scope, receive, send_problem)


def _is_plain_error(message: Message) -> bool:
    kind = Headers(raw=message.get("headers", [])).get("content-type", "")
    return message["status"] >= 400 and kind.startswith("text/plain")


class BodyLimiter:
    """Answers 413 for bodies over a limit, whether declared or only counted."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            problem = problem_for(BodyTooLarge(self._max_bytes))
            await problem_response(problem, scope)(scope, receive, send)
            return
        received = 0

        async def counted_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise BodyTooLarge(self._max_bytes)
            return message

        await self._app(scope, counted_receive, send)


def _log_request(scope: Scope, answer: _Answer) -> None:
    if scope["path"] in _QUIET_PATHS:
        return
    log.info(
        "request",
        method=scope["method"],
        path=scope["path"],
        status=answer.status,
        elapsed_ms=round(1000 * (time.perf_counter() - answer.asked_at), 1),
    )
