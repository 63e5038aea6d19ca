"""Callers that cost less than the server they load: bare HTTP/1.1 over asyncio sockets.

A general HTTP client takes more processor time for a request than the service does, and
would measure itself. Requests here are ready-made bytes; of an answer only the status
and the length are read.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

_HOST = "127.0.0.1"
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"


@dataclass
class Tally:
    """What came of the requests of one kind; `bodies` are the answers, if kept."""

    latencies_s: list[float] = field(default_factory=list)
    refused: int = 0
    bodies: list[bytes] | None = None

    @property
    def count(self) -> int:
        """Number of answers."""
        return len(self.latencies_s)

    def quantile_ms(self, share: float) -> float:
        """Return the latency that a share of the requests did not exceed."""
        return 1e3 * sorted(self.latencies_s)[int(share * (self.count - 1))]


def request(method: str, path: str, document: Any = None) -> bytes:
    """Return the bytes of a request; `document` becomes its JSON body."""
    body = b"" if document is None else json.dumps(document).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: {_HOST}"
    if body:
        head += f"\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + _HEAD_END + body


async def keep_asking(
    port: int,
    requests: Iterator[bytes],
    tally: Tally,
    *,
    connections: int,
    duration_s: float,
) -> None:
    """Keep a number of connections busy, each with one request at a time."""
    loop = asyncio.get_running_loop()
    until = time.perf_counter() + duration_s
    callers = []
    for _ in range(connections):
        _, caller = await loop.create_connection(
            lambda: _Caller(requests, tally, until), _HOST, port
        )
        callers.append(caller)
    await asyncio.gather(*(caller.ended for caller in callers))


class _Caller(asyncio.Protocol):
    """A keep-alive connection: sends the next request when the last is answered."""

    def __init__(self, requests: Iterator[bytes], tally: Tally, until: float) -> None:
        self._requests = requests
        self._tally = tally
        self._until = until
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(_HEAD_END)
        if found and len(body) >= _declared_length(head):
            self._received = b""
            self._note(int(head[9:12]), body)
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error or ConnectionError("the server hung up"))

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        if self._sent_at < self._until:
            self._transport.write(next(self._requests))
        else:
            self.ended.set_result(None)
            self._transport.close()

    def _note(self, status: int, body: bytes) -> None:
        self._tally.latencies_s.append(time.perf_counter() - self._sent_at)
        self._tally.refused += status >= 400
        if self._tally.bodies is not None:
            self._tally.bodies.append(body)


def _declared_length(head: bytes) -> int:
    return int(head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0])


class EventStream(asyncio.Protocol):
    """A job's open event stream."""

    def __init__(self, job_id: str) -> None:
        self._request = request("GET", f"/v1/jobs/{job_id}/events")
        self._received = b""
        self._ended = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, port: int, job_id: str) -> "EventStream":
        """Begin to follow a job."""
        loop = asyncio.get_running_loop()
        _, stream = await loop.create_connection(lambda: cls(job_id), _HOST, port)
        return stream

    @property
    def is_open(self) -> bool:
        """Tell whether events have come and more may."""
        return self.has("queued") and not self._ended.done()

    def has(self, event: str) -> bool:
        """Tell whether an event of a type has come."""
        return f"event: {event}\n".encode() in self._received

    async def end(self) -> None:
        """Wait until the server ends the stream."""
        await self._ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        cast("asyncio.Transport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        """Collect what comes, up to the last chunk."""
        self._received += data
        if self._received.endswith(b"0" + _HEAD_END):  # the last chunk
            self._finish()

    def connection_lost(self, error: Exception | None) -> None:
        """Note the end."""
        self._finish()

    def _finish(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)
