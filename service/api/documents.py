"""JSON bodies of requests, read and parsed within a budget of memory.

A parsed list takes up to twenty times the bytes that it was written in. So a large body
is parsed beside the event loop, few of them at a time, and counted from its first bytes
until the request is done with it. Small ones, which nearly all are, cost nothing more.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import Request

from kantor.service.api.bodies import parse_json
from kantor.service.api.errors import BodyTooLarge, ServerBusy

SMALL_BYTES = 256 * 1024
MOST_BYTES = 256 * 1024 * 1024
"""Of all large bodies together, as they are received."""

MOST_PARSED = 2
"""Large documents at a time, from parsing until they are stored or answered."""


class JsonBodies:
    """Lends parsed bodies; one for each process.

    Args:
        max_bytes: Of one body.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._held = 0
        self._lanes = anyio.CapacityLimiter(MOST_PARSED)

    @asynccontextmanager
    async def lend(self, request: Request) -> AsyncIterator[Any]:
        """Read and parse the body of a request; lend it until the block ends.

        Raises:
            BodyTooLarge: It is over the limit of JSON bodies.
            ServerBusy: Too many large ones are being received.
            NotUnderstood: It is not JSON; says at which line and column.
        """
        body, counted = bytearray(), 0
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > self.max_bytes:
                    raise BodyTooLarge(self.max_bytes)
                if len(body) > SMALL_BYTES:
                    self._take(len(body) - counted)
                    counted = len(body)
            if not counted:
                yield parse_json(body)
                return
            async with self._lanes:
                yield await anyio.to_thread.run_sync(parse_json, body)
        finally:
            self._held -= counted

    def _take(self, size: int) -> None:
        if self._held + size > MOST_BYTES:
            raise ServerBusy
        self._held += size
