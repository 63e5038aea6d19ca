"""What nobody asks for: recover jobs of silent workers, drop uploads left open, hold
what references stand for, which other hosts do not know, forget rights to datasets that
are gone, add up how long requests take.

Workers reap as well, but all of them may be gone. The duties are tasks of their
own, so that a slow disk never keeps a lost job waiting, and each outlives everything
but its cancellation: what goes wrong is logged, and tried again at the next heartbeat.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio.to_thread
from anyio import CapacityLimiter

from kantor.service.api.background.duties import repeat
from kantor.service.api.latencies import Latencies
from kantor.service.api.uploads import UploadStore
from kantor.service.queue import JobBoard

HOLD_AGAIN_S = 600.0
FORGET_AGAIN_S = 3600.0


@asynccontextmanager
async def reaping(
    board: JobBoard,
    uploads: UploadStore,
    latencies: Latencies,
    *,
    every_s: float,
    closing: asyncio.Event,
    hold: Callable[[], None],
    forget: Callable[[], object],
) -> AsyncIterator[None]:
    """Reap and sweep every `every_s` for as long as the block runs.

    Args:
        board: Whose jobs are reaped.
        uploads: What is swept.
        latencies: What is added up.
        every_s: How often.
        closing: Set when the server begins to stop.
        hold: Called less often, beside them.
        forget: Called hourly.
    """
    lane = CapacityLimiter(1)  # of its own: the decoders may keep theirs for minutes

    async def sweep() -> None:
        await anyio.to_thread.run_sync(
            uploads.sweep, limiter=lane, abandon_on_cancel=True
        )

    async def keep() -> None:
        await anyio.to_thread.run_sync(hold, limiter=lane, abandon_on_cancel=True)

    async def forget_gone() -> None:
        await anyio.to_thread.run_sync(forget, limiter=lane, abandon_on_cancel=True)

    duties = (
        ("reaping failed", board.reap, every_s),
        ("adding up request times failed", latencies.flush, every_s),
        ("sweeping failed", sweep, every_s),
        ("holding failed", keep, max(HOLD_AGAIN_S, every_s)),
        ("forgetting failed", forget_gone, max(FORGET_AGAIN_S, every_s)),
    )
    tasks = [
        asyncio.create_task(repeat(duty, failure, pause_s, closing))
        for failure, duty, pause_s in duties
    ]
    try:
        yield
    finally:
        closing.set()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
