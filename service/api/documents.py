"""JSON bodies of requests, read and parsed within a budget of memory.

A parsed list takes up to twenty times the bytes that it was written in. So a large body
is parsed beside the event loop, few of them at a time, and counted from its first bytes
until the request is done with it. Small ones, which nearly all are, cost nothing more.
No owner has all of the budget, nor all of the lanes, where there are several.
"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import Request

from kantor.service.api.bodies import parse_json
from kantor.service.api.errors import BodyTooLarge, LimitExceeded, ServerBusy
from kantor.service.api.lanes import Lanes

SMALL_BYTES = 256 * 1024
MOST_BYTES = 256 * 1024 * 1024
"""Of all large bodies together, as they are received."""

MOST_PARSED = 2
"""Large documents at a time, from parsing until they are stored or answered."""


class JsonBodies:
    """Lends parsed bodies; one for each process.

    Args:
        max_bytes: Of one body.
        max_rows: Lists and objects in one body; parsing many keeps all others waiting.
        is_shared: Whether one owner may have no more than half.
    """

    def __init__(
        self, max_bytes: int, *, max_rows: int = 500_000, is_shared: bool = False
    ) -> None:
        self.max_bytes = max_bytes
        self.max_rows = max_rows
        self._held: Counter[str] = Counter()
        self._lanes = Lanes(MOST_PARSED, most_of_one=MOST_PARSED)
        self.share(is_shared)

    def share(self, is_shared: bool) -> None:
        """Let one owner have no more than half from now on, or all."""
        self._share = 2 if is_shared else 1
        self._lanes.most_of_one = MOST_PARSED // self._share

    @asynccontextmanager
    async def lend(self, owner: str, request: Request) -> AsyncIterator[Any]:
        """Read and parse the body of an owner's request; lend it until the block ends.

        Raises:
            BodyTooLarge: It is over the limit of JSON bodies.
            LimitExceeded: It has too many rows.
            ServerBusy: Too many large ones are being received.
            NotUnderstood: It is not JSON; says at which line and column.
        """
        body, counted = bytearray(), 0
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > self.max_bytes:
                    raise BodyTooLarge(self.max_bytes, "max_json_bytes")
                if len(body) > SMALL_BYTES:
                    self._take(owner, len(body) - counted)
                    counted = len(body)
            if not counted:
                yield parse_json(body)
                return
            check_rows(body, self.max_rows)
            async with self._lanes.lane(owner):
                yield await anyio.to_thread.run_sync(parse_json, body)
        finally:
            self._held[owner] -= counted
            if not self._held[owner]:
                del self._held[owner]

    def _take(self, owner: str, size: int) -> None:
        own, total = self._held[owner] + size, self._held.total() + size
        if total > MOST_BYTES or own > MOST_BYTES // self._share:
            raise ServerBusy
        self._held[owner] += size


def check_rows(body: bytes | bytearray, most: int) -> None:
    """Check how many lists and objects a JSON body has at most, before it is parsed.

    Raises:
        LimitExceeded: They are too many.
    """
    rows = body.count(b"[") + body.count(b"{")
    if rows > most:
        raise LimitExceeded.at(
            "#",
            f"expected at most {most} rows in JSON (max_json_rows), received {rows} "
            "lists: upload them as a file",
        )
