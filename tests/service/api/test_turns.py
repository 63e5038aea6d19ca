"""Whoever sends many requests at once keeps nobody else waiting for all of them."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any

import pytest

from kantor.service.api.connections import Connection
from kantor.service.api.turns import Turns
from kantor.service.settings import Settings
from tests.service.api.live import serve

GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
ADA, EVE = "127.0.0.1", "127.0.0.2"

Ask = Callable[[str], Coroutine[Any, Any, None]]


def asking(turns: Turns, begun: list[str]) -> Ask:
    async def ask(address: str) -> None:
        await turns.wait(address)
        begun.append(address)

    return ask


def test_a_few_begin_in_a_round_of_the_event_loop() -> None:
    async def story() -> None:
        begun: list[str] = []
        ask = asking(Turns(4), begun)
        tasks = [asyncio.create_task(ask("eve")) for _ in range(20)]
        await asyncio.sleep(0)
        rounds = 0
        while len(begun) < len(tasks):
            before = len(begun)
            await asyncio.sleep(0)
            assert len(begun) - before <= 4
            rounds += 1
        assert rounds >= 4
        await asyncio.gather(*tasks)

    asyncio.run(story())


def test_another_address_is_next() -> None:
    async def story() -> None:
        begun: list[str] = []
        ask = asking(Turns(4), begun)
        tasks = [asyncio.create_task(ask("eve")) for _ in range(100)]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(ask("ada")))
        await asyncio.gather(*tasks)
        assert begun.index("ada") <= 12

    asyncio.run(story())


def test_one_request_after_the_other_waits_for_nothing() -> None:
    async def story() -> None:
        turns = Turns(2)
        for _ in range(10):
            async with asyncio.timeout(5.0):
                await turns.wait("ada")

    asyncio.run(story())


def test_who_has_left_takes_no_turn() -> None:
    async def story() -> None:
        begun: list[str] = []
        ask = asking(Turns(1), begun)
        tasks = [asyncio.create_task(ask(name)) for name in ("eve", "bob", "ada")]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert begun == ["eve", "ada"]

    asyncio.run(story())


def test_nothing_begins_while_connections_come_in_up_to_a_number() -> None:
    async def story() -> list[int]:
        begun: list[str] = []
        turns = Turns(4, most_let_in=3)
        ask = asking(turns, begun)
        turns.let_in()
        tasks = [asyncio.create_task(ask("eve")) for _ in range(8)]
        after = []
        for _ in range(8):
            await asyncio.sleep(0)
            turns.let_in()
            after.append(len(begun))
        await asyncio.gather(*tasks)
        return after

    after = asyncio.run(story())
    assert after[3] == 0, "the fourth round begins requests, the first three let in"
    assert after[-1] > 0


def test_a_connection_behind_many_is_answered_among_the_first(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """They stand before her at the door, each with as many requests as it may have."""
    answered: list[str] = []
    complete = Connection.on_response_complete

    def noted(connection: Connection) -> None:
        answered.append(connection.address)
        complete(connection)

    monkeypatch.setattr(Connection, "on_response_complete", noted)
    with serve(settings) as (server, client), ExitStack() as stack:
        door_is_shut = threading.Event()
        loop: Any = server.servers[0].get_loop()
        loop.call_soon_threadsafe(door_is_shut.wait)
        there = (str(client.base_url.host), client.base_url.port)
        for address, requests in [(EVE, GET * 8)] * 60 + [(ADA, GET)]:
            line = socket.create_connection(there, 30, source_address=(address, 0))
            stack.enter_context(line).sendall(requests)
        door_is_shut.set()
        assert line.recv(12) == b"HTTP/1.1 200"
    assert answered.index(ADA) < 40  # of 480 answers for eve
    assert "Traceback" not in "".join(capfd.readouterr()), (
        "they left, which is no error"
    )
