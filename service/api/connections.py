"""One HTTP connection, under limits of time and size.

uvicorn parses and answers; here it is bounded. A head of a request may have so many
bytes and headers and take so long; a body must keep coming, and so must the reading of
an answer. What goes beyond is answered with a problem document like everything else,
where an answer can still be given, and the connection is closed.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

import structlog
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import (
    HttpToolsProtocol,
    RequestResponseCycle,
)

from kantor.service.api.door import Door, address_of
from kantor.service.api.errors import (
    HeadTooLarge,
    MalformedRequest,
    RequestTooSlow,
    ServerBusy,
    ServiceError,
)
from kantor.service.api.middleware import (
    RequestContext,
    new_request_id,
    problem_response,
    with_common,
)
from kantor.service.api.problems import problem_for
from kantor.service.api.turns import Turns

MAX_HEAD_BYTES = 32 * 1024
MAX_HEADERS = 100
MAX_PIPELINED = 8
LEAST_BODY_RATE = 500.0
"""Bytes a second that a body has to bring, beside never stopping for long."""

LINGER_S = 5.0
"""How long the rest of a body is read whose request has been answered."""

TELL_S = 1.0
"""How long what comes after a refusal is thrown away."""

STALLED_S = 60.0
"""How long an answer waits for its reader."""

PROBES = frozenset({b"/healthz", b"/readyz"})

log = structlog.get_logger("kantor.api")


@dataclass(frozen=True)
class Patience:
    """How long is waited, in seconds.

    Attributes:
        head_s: For the head of a request, from its first byte or the connection's.
        body_s: For the next part of a body.
    """

    head_s: float
    body_s: float


class Connection(HttpToolsProtocol):
    """uvicorn's connection with a door and a watch."""

    def __init__(
        self, *, door: Door, turns: Turns, patience: Patience, **given: Any
    ) -> None:
        super().__init__(**given)
        self.address = ""
        self._door = door
        self._turns = turns
        self._patience = patience
        self._served = self.app
        self._refusal: ServiceError | None = None
        self._crowded = False
        self._head_since: float | None = None
        self._overhead = 0
        self._headers = 0
        self._body_until: float | None = None
        self._checked_at = 0.0
        self._stalled_since: float | None = None
        self._has_begun = False
        self._refused_at: float | None = None
        self._unanswered: deque[RequestResponseCycle] = deque()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, if the door lets this one in."""
        super().connection_made(transport)
        self.address = address_of(self.client)
        self._turns.let_in()
        self._served = self._turns.taking(self.app, self.address)
        self._head_since = self._checked_at = self.loop.time()
        if not self._door.enter(self):
            self._refuse(ServerBusy())
        self._crowded = self._door.is_crowded(self)

    def connection_lost(self, error: Exception | None) -> None:
        """End, and tell every request; uvicorn tells the last one alone."""
        self._door.exit(self)
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Parse what has come; nothing after a refusal."""
        if self._refused_at is not None or self.transport.is_closing():
            return
        if self._is_idle():
            self._head_since = self.loop.time()
        self._overhead += len(data)
        super().data_received(data)
        if self._overhead > MAX_HEAD_BYTES:
            self._refuse(
                HeadTooLarge(f"expected at most {MAX_HEAD_BYTES} bytes of headers")
            )

    def on_message_begin(self) -> None:
        """Begin to count a request."""
        super().on_message_begin()
        self._head_since = self.loop.time()
        self._has_begun = True
        self._overhead = self._headers = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, unless there are too many."""
        self._headers += 1
        if self._headers > MAX_HEADERS:
            self._reject(HeadTooLarge(f"expected at most {MAX_HEADERS} headers"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer a request."""
        size = len(self.url) + sum(len(n) + len(v) for n, v in self.headers)
        if size > MAX_HEAD_BYTES:
            self._reject(
                HeadTooLarge(f"expected at most {MAX_HEAD_BYTES} bytes of headers")
            )
        if len(self.pipeline) >= MAX_PIPELINED:
            self._reject(ServerBusy())
        self._crowded = self._crowded and self._door.is_crowded(self)
        is_probe = self.url.partition(b"?")[0] in PROBES
        self.app = _busy if self._crowded and not is_probe else self._served
        self._door.work(self)
        self._head_since = None
        self._has_begun = False
        self._overhead = 0
        self._body_until = self.loop.time() + self._patience.body_s
        super().on_headers_complete()
        self._unanswered.append(self.cycle)

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        if self._body_until is not None and not self.cycle.response_complete:
            latest = self.loop.time() + self._patience.body_s
            earned_s = len(body) / LEAST_BODY_RATE
            self._body_until = min(latest, self._body_until + earned_s)
        self._overhead = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for no more of this request."""
        self._body_until = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of this one a little longer."""
        self._unanswered.popleft()
        if self._body_until is not None:
            self._body_until = self.loop.time() + LINGER_S
        elif not self.pipeline:
            self._door.wait(self)
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Note that the reader is slow."""
        self._stalled_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that the reader reads."""
        self._stalled_since = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what could not be parsed, or was refused while it was."""
        self._refuse(self._refusal or MalformedRequest())

    def leave(self) -> None:
        """Close, to make room for others."""
        self.transport.close()

    def check(self, now: float) -> None:
        """End what takes too long."""
        paused, self._checked_at = now - self._checked_at, now
        if self._refused_at is not None and now - self._refused_at > TELL_S:
            self.transport.abort()
        if self._refused_at is not None or self.transport.is_closing():
            return
        if self._stalled_since is not None and now - self._stalled_since > STALLED_S:
            self.transport.abort()
        elif self._head_since is not None:
            if now - self._head_since > self._patience.head_s:
                self._give_up()
        elif self._body_until is not None:
            if self.flow.read_paused:  # it is we who do not read
                self._body_until += paused
            elif now > self._body_until:
                self._refuse(RequestTooSlow())

    def _is_idle(self) -> bool:
        """Tell whether no request has begun."""
        parts = (self._head_since, self._body_until)
        between = self.cycle is None or self.cycle.response_complete
        return between and parts == (None, None)

    def _give_up(self) -> None:
        """End a request that has not fully come; silence is closed without a word."""
        if self._has_begun:
            self._refuse(RequestTooSlow())
        else:
            self.transport.close()

    def _reject(self, error: ServiceError) -> None:
        """Stop the parser from within a callback; it answers by `send_400_response`."""
        self._refusal = error
        raise error

    def _refuse(self, error: ServiceError) -> None:
        """Answer with a problem, unless another answer is on its way, and close.

        What else comes is read for a moment and thrown away: to close while something
        is unread would take the answer from its reader.
        """
        if self._refused_at is not None:
            return
        self._refused_at = self.loop.time()
        log.info("connection_refused", address=self.address, reason=error.detail)
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if cycle.response_started or self.pipeline:
                self.transport.close()
                return
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.write(_answer(error))
        self.transport.write_eof()
        self.flow.resume_reading()
        self._door.wait(self)


def connections(door: Door, patience: Patience) -> type[asyncio.Protocol]:
    """Return what uvicorn calls to make a connection."""
    turns = Turns()

    def build(**given: Any) -> Connection:
        return Connection(door=door, turns=turns, patience=patience, **given)

    return cast("type[asyncio.Protocol]", build)


def _answer(error: ServiceError) -> bytes:
    """Write a whole answer that no application has been asked for."""
    scope = {"path": "/", "state": {"request_id": new_request_id()}}
    response = problem_response(problem_for(error), scope)
    status = HTTPStatus(response.status_code)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()]
    headers = with_common(response.raw_headers, scope)
    lines += [b"%b: %b\r\n" % pair for pair in headers]
    return b"".join([*lines, b"connection: close\r\n\r\n", bytes(response.body)])


async def _tell_busy(scope: Scope, receive: Receive, send: Send) -> None:
    response = problem_response(problem_for(ServerBusy()), scope)
    response.headers["Connection"] = "close"
    await response(scope, receive, send)


_busy = cast("Callable[..., Any]", RequestContext(_tell_busy))
