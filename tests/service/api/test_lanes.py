"""Owners take turns in the lanes."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable

import pytest

from kantor.service.api.lanes import Lanes


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class Queue:
    """Holders of lanes that leave when they are told."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self.entered: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def ask(self, *names: str) -> None:
        for name in names:
            self._ends[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._hold(name))
        await settle()

    async def _hold(self, name: str) -> None:
        async with self._lanes.lane(name[0]):
            self.entered.append(name)
            await self._ends[name].wait()

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
        await settle()

    async def give_up(self, name: str) -> None:
        self._tasks[name].cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._tasks[name]
        await settle()


def play(lanes: Lanes, script: Callable[[Queue], Awaitable[None]]) -> list[str]:
    async def run() -> list[str]:
        queue = Queue(lanes)
        await script(queue)
        return queue.entered

    return asyncio.run(run())


def test_one_owner_never_has_all_lanes() -> None:
    async def script(queue: Queue) -> None:
        await queue.ask("a1", "a2", "a3", "b1", "b2")

    assert play(Lanes(4, most_of_one=2), script) == ["a1", "a2", "b1", "b2"]


def test_owners_take_turns_however_many_wait() -> None:
    async def script(queue: Queue) -> None:
        await queue.ask("a1", "a2", "a3", "a4", "b1", "c1", "b2")
        for name in ("a1", "a2", "b1", "c1", "a3", "b2"):
            await queue.end(name)

    entered = play(Lanes(1, most_of_one=1), script)
    assert entered == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


def test_who_gives_up_keeps_nobody_waiting() -> None:
    async def script(queue: Queue) -> None:
        await queue.ask("a1", "b1", "c1")
        await queue.give_up("b1")
        await queue.end("a1")
        await queue.give_up("c1")
        await queue.ask("d1")

    assert play(Lanes(1, most_of_one=1), script) == ["a1", "c1", "d1"]


def test_a_lane_given_to_one_who_gives_up_is_given_on() -> None:
    lanes = Lanes(1, most_of_one=1)

    async def run() -> list[str]:
        entered: list[str] = []

        async def hold(name: str) -> None:
            async with lanes.lane(name):
                entered.append(name)

        async with lanes.lane("a"):
            waiting = asyncio.create_task(hold("b"))
            await settle()
        waiting.cancel()  # after its turn was given, before it took it
        await settle()
        await hold("c")
        return entered

    assert asyncio.run(run()) == ["c"]


def test_a_call_runs_in_a_thread_and_its_error_frees_the_lane() -> None:
    lanes = Lanes(1, most_of_one=1)

    async def run() -> threading.Thread:
        with pytest.raises(ZeroDivisionError):
            await lanes.run("a", lambda: 1 / 0)
        return await lanes.run("a", threading.current_thread)

    assert asyncio.run(run()) is not threading.main_thread()
