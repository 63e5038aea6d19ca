"""What is done again and again while the API runs, and outlives its failures."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio.to_thread
import structlog
from anyio import CapacityLimiter
from redis.exceptions import RedisError

T = TypeVar("T")

log = structlog.get_logger("kantor.api")


@dataclass(frozen=True)
class Duty:
    """What is done again and again.

    Attributes:
        do: Does it once.
        failure: What the log says where that went wrong.
        every_s: Pause before each time.
    """

    do: Callable[[], Awaitable[object]]
    failure: str
    every_s: float


def in_lane(call: Callable[[], T], lane: CapacityLimiter) -> Callable[[], Awaitable[T]]:
    """Return a duty of a call that blocks, in a lane that is not the decoders'."""
    return partial(anyio.to_thread.run_sync, call, limiter=lane, abandon_on_cancel=True)


@asynccontextmanager
async def done_meanwhile(
    duties: Iterable[Duty], closing: asyncio.Event
) -> AsyncIterator[None]:
    """Do duties, each as a task of its own, for as long as the block runs."""
    tasks = [asyncio.create_task(_repeat(duty, closing)) for duty in duties]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _repeat(duty: Duty, closing: asyncio.Event) -> None:
    while not closing.is_set():  # a cancellation can be lost on Python 3.11
        await asyncio.sleep(duty.every_s)
        try:
            await duty.do()
        except RedisError as error:
            log.warning(duty.failure, error=type(error).__name__)
        except Exception:
            log.exception(duty.failure)
