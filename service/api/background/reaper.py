"""What nobody asks for: recover jobs of silent workers, drop uploads left open.

Workers reap as well, but all of them may be gone.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from redis.exceptions import RedisError

from kantor.service.api.services import Services

log = structlog.get_logger("kantor.api")


@asynccontextmanager
async def reaping(services: Services) -> AsyncIterator[None]:
    """Reap at every heartbeat for as long as the block runs."""
    reaper = asyncio.create_task(_reap_for_ever(services))
    try:
        yield
    finally:
        services.closing.set()
        reaper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reaper


async def _reap_for_ever(services: Services) -> None:
    while not services.closing.is_set():  # a cancellation can be lost on Python 3.11
        await asyncio.sleep(services.settings.heartbeat_s)
        await services.intake.in_thread(services.uploads.sweep)
        try:
            await services.board.reap()
        except RedisError as error:
            log.warning("reaping failed", error=type(error).__name__)
