"""What is done again and again while the API runs, and outlives its failures."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from redis.exceptions import RedisError

log = structlog.get_logger("kantor.api")


async def repeat(
    duty: Callable[[], Awaitable[object]],
    failure: str,
    every_s: float,
    closing: asyncio.Event,
) -> None:
    """Do something every `every_s`; what goes wrong is logged as `failure`."""
    while not closing.is_set():  # a cancellation can be lost on Python 3.11
        await asyncio.sleep(every_s)
        try:
            await duty()
        except RedisError as error:
            log.warning(failure, error=type(error).__name__)
        except Exception:
            log.exception(failure)
