"""How many requests one key may send: a rate limit kept in Redis, told in headers."""

import math

from kantor.service.api.errors import RateExceeded
from kantor.service.queue import JobBoard
from kantor.service.settings import Settings


async def spend_request(
    board: JobBoard, settings: Settings, owner: str
) -> dict[str, str]:
    """Count a request; return the headers that tell its sender what is left.

    Raises:
        RateExceeded: The owner has sent too many.
    """
    if settings.rate_per_minute is None:
        return {}
    verdict = await board.take_token(
        f"api:{owner}", per_minute=settings.rate_per_minute, burst=settings.rate_burst
    )
    if not verdict.allowed:
        raise RateExceeded(verdict.retry_after_s)
    window_s = math.ceil(60 * settings.rate_burst / settings.rate_per_minute)
    return {
        "RateLimit-Policy": f'"default";q={settings.rate_burst};w={window_s}',
        "RateLimit": f'"default";r={verdict.remaining};t={math.ceil(verdict.reset_s)}',
    }
