"""What nobody asks for: recover jobs of silent workers, drop uploads left open, hold
what references stand for, which other hosts do not know.

Workers reap as well, but all of them may be gone. The duties are tasks of their
own, so that a slow disk never keeps a lost job waiting, and each outlives everything
but its cancellation: what goes wrong is logged, and tried again at the next heartbeat.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio.to_thread
import structlog
from anyio import CapacityLimiter
from redis.exceptions import RedisError

from kantor.service.api.uploads import UploadStore
from kantor.service.queue import JobBoard

HOLD_AGAIN_S = 600.0

log = structlog.get_logger("kantor.api")


@asynccontextmanager
async def reaping(
    board: JobBoard,
    uploads: UploadStore,
    *,
    every_s: float,
    closing: asyncio.Event,
    hold: Callable[[], None],
) -> AsyncIterator[None]:
    """Reap and sweep every `every_s` for as long as the block runs; hold less often."""
    lane = CapacityLimiter(1)  # of its own: the decoders may keep theirs for minutes

    async def sweep() -> None:
        await anyio.to_thread.run_sync(
            uploads.sweep, limiter=lane, abandon_on_cancel=True
        )

    async def keep() -> None:
        await anyio.to_thread.run_sync(hold, limiter=lane, abandon_on_cancel=True)

    duties = (
        ("reaping failed", board.reap, every_s),
        ("sweeping failed", sweep, every_s),
        ("holding failed", keep, max(HOLD_AGAIN_S, every_s)),
    )
    tasks = [
        asyncio.create_task(_repeat(duty, failure, pause_s, closing))
        for failure, duty, pause_s in duties
    ]
    try:
        yield
    finally:
        closing.set()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _repeat(
    duty: Callable[[], Awaitable[object]],
    failure: str,
    every_s: float,
    closing: asyncio.Event,
) -> None:
    while not closing.is_set():  # a cancellation can be lost on Python 3.11
        await asyncio.sleep(every_s)
        try:
            await duty()
        except RedisError as error:
            log.warning(failure, error=type(error).__name__)
        except Exception:
            log.exception(failure)
