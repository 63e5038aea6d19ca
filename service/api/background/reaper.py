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

from anyio import CapacityLimiter

from kantor.service.api.background.duties import Duty, done_meanwhile, in_lane
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
    duties = (
        Duty(board.reap, "reaping failed", every_s),
        Duty(latencies.flush, "adding up request times failed", every_s),
        Duty(in_lane(uploads.sweep, lane), "sweeping failed", every_s),
        Duty(in_lane(hold, lane), "holding failed", max(HOLD_AGAIN_S, every_s)),
        Duty(in_lane(forget, lane), "forgetting failed", max(FORGET_AGAIN_S, every_s)),
    )
    async with done_meanwhile(duties, closing):
        try:
            yield
        finally:
            closing.set()
