"""Whoever sends many requests at once keeps nobody else waiting for all of them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from kantor.service.api.turns import Turns

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
