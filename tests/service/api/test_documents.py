import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from fastapi import Request

from kantor.service.api import documents
from kantor.service.api.documents import SMALL_BYTES, JsonBodies
from kantor.service.api.errors import (
    BodyTooLarge,
    LimitExceeded,
    NotUnderstood,
    ServerBusy,
)

LARGE = b"[" + b"1," * SMALL_BYTES + b"1]"


class Arriving:
    """A request whose body comes in parts."""

    def __init__(self, body: bytes, step: int = 64 * 1024) -> None:
        self._body, self._step = body, step

    async def stream(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), self._step):
            yield self._body[start : start + self._step]


def arriving(body: bytes, step: int = 64 * 1024) -> Request:
    return cast("Request", Arriving(body, step))


def read(bodies: JsonBodies, body: bytes, step: int = 64 * 1024) -> Any:
    async def lend() -> Any:
        async with bodies.lend("ann", arriving(body, step)) as document:
            return document

    return asyncio.run(lend())


def test_a_body_is_read_up_to_its_limit() -> None:
    assert read(JsonBodies(13), b'{"a": [1, 2]}', 4) == {"a": [1, 2]}
    with pytest.raises(BodyTooLarge, match="at most 12 bytes"):
        read(JsonBodies(12), b'{"a": [1, 2]}', 4)


def test_a_body_of_too_many_rows_is_not_parsed(monkeypatch: Any) -> None:
    monkeypatch.setattr(documents, "parse_json", lambda _: pytest.fail("parsed"))
    body = b'{"a": [' + b"[1]," * SMALL_BYTES + b"[1]]}"
    with pytest.raises(LimitExceeded, match="at most 1000 rows") as refused:
        read(JsonBodies(10**7, max_rows=1000), body)
    assert "max_json_rows), received 262147 lists" in str(refused.value)


def test_a_large_body_is_parsed_beside_the_event_loop(monkeypatch: Any) -> None:
    threads = []

    def parse(body: bytes) -> Any:
        threads.append(threading.current_thread())
        return len(body)

    monkeypatch.setattr(documents, "parse_json", parse)
    bodies = JsonBodies(10**7)
    assert read(bodies, LARGE) == len(LARGE)
    assert read(bodies, b"[1]") == 3
    assert threads[0] is not threading.main_thread()
    assert threads[1] is threading.main_thread()


def test_more_large_bodies_than_the_budget_are_turned_away(monkeypatch: Any) -> None:
    monkeypatch.setattr(documents, "MOST_BYTES", int(1.5 * len(LARGE)))
    bodies = JsonBodies(10**7)

    async def two() -> None:
        async with bodies.lend("ann", arriving(LARGE)):
            with pytest.raises(ServerBusy):
                async with bodies.lend("ann", arriving(LARGE)):
                    pass
            async with bodies.lend("ann", arriving(b"[1]")) as small:
                assert small == [1]

    asyncio.run(two())
    assert len(read(bodies, LARGE)) == SMALL_BYTES + 1  # all was given back


def test_what_is_given_up_is_given_back(monkeypatch: Any) -> None:
    monkeypatch.setattr(documents, "MOST_BYTES", int(1.5 * len(LARGE)))
    bodies = JsonBodies(10**7)
    for _ in range(3):
        with pytest.raises(NotUnderstood):
            read(bodies, LARGE[:-1])
