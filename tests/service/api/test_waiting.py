"""Waiting for a job's end leaves nothing behind, whoever gives up first."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis

from kantor.service.api.waiting import follow, wait_for_end, wanted_wait_s
from kantor.service.queue import JobEvent, LeaseQueue
from kantor.service.settings import Settings

GRACE_S = 0.5


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("wait=5", 5), ("respond-async, wait=7", 7), ("wait=900", 60), ("wait=x", None)],
)
def test_a_preference_is_read_and_bounded(header: str, seconds: int | None) -> None:
    assert wanted_wait_s(header) == seconds
    assert wanted_wait_s(None) is None


def other_tasks() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


def test_waits_that_are_over_leave_no_poller(board: Any) -> None:
    record = board.enqueue()

    async def wait_five_times() -> set[asyncio.Task[Any]]:
        closing = asyncio.Event()
        for _ in range(5):
            await wait_for_end(board.board, record, 0.05, closing=closing)
        return other_tasks()

    assert board.run(wait_five_times()) == set()


def test_a_reader_that_leaves_leaves_no_poller(board: Any) -> None:
    record = board.enqueue()

    async def read_one() -> tuple[JobEvent, set[asyncio.Task[Any]]]:
        events = follow(board.board, record.id, after="0-0", closing=asyncio.Event())
        first = await anext(events)
        await events.aclose()
        return first, other_tasks()

    first, left = board.run(read_one())
    assert (first.type, left) == ("queued", set())


def test_the_servers_end_ends_a_stream_at_once(board: Any) -> None:
    record = board.enqueue()

    async def read_until_closed() -> list[str]:
        closing = asyncio.Event()
        asyncio.get_running_loop().call_later(0.1, closing.set)
        events = follow(board.board, record.id, after="0-0", closing=closing)
        async with asyncio.timeout(GRACE_S):
            seen = [event.type async for event in events]
        assert other_tasks() == set()
        return seen

    assert board.run(read_until_closed()) == ["queued"]


def test_a_wait_returns_with_the_end(
    board: Any, client: redis.Redis, settings: Settings
) -> None:
    record = board.enqueue()

    async def cancel_while_waiting() -> str:
        closing = asyncio.Event()
        waiting = asyncio.ensure_future(
            wait_for_end(board.board, record, 10.0, closing=closing)
        )
        await asyncio.sleep(0.1)
        await board.board.cancel(record.id)
        return str((await waiting).status)

    assert board.run(cancel_while_waiting()) == "cancelled"
    assert LeaseQueue(client, settings, "worker").claim() == []


class Stubborn:
    """A board whose event never comes, and which loses the first cancellation."""

    def __init__(self) -> None:
        self.told = 0

    async def events(self, job_id: str, after: str) -> AsyncIterator[JobEvent]:
        while self.told < 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.told += 1
        if self.told:
            raise asyncio.CancelledError
        yield JobEvent(id="0-1", type="progress", at=0.0, data={})


@pytest.mark.parametrize("tellings", [1, 3])
def test_a_lost_cancellation_leaves_no_poller(tellings: int) -> None:
    board: Any = Stubborn()

    async def stop_reading() -> set[asyncio.Task[Any]]:
        following = follow(board, "job", after="0-0", closing=asyncio.Event())
        reading = asyncio.ensure_future(anext(following))
        await asyncio.sleep(0.01)
        for _ in range(tellings):
            reading.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(5):
                await reading
        return other_tasks()

    assert asyncio.run(stop_reading()) == set()
