"""Wait for a job's events, bounded by time and by the server's own end."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

from kantor.service.api.services import Services
from kantor.service.queue import JobEvent, JobRecord

MAX_WAIT_S = 60

_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,6})(?:$|[,;\s])")


def wanted_wait_s(prefer: str | None) -> int | None:
    """Return the seconds that a `Prefer: wait=N` header asks for, 60 at most."""
    found = _WAIT.search(prefer or "")
    return min(int(found[1]), MAX_WAIT_S) if found else None


async def wait_for_end(
    services: Services, record: JobRecord, wait_s: float
) -> JobRecord:
    """Return the job once it has ended, or as it is when the time is over."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            async for _ in follow(services, record.id, after="0-0"):
                pass
    return await services.board.get(record.id) or record


async def follow(
    services: Services, job_id: str, *, after: str
) -> AsyncIterator[JobEvent]:
    """Yield a job's events until its end or that of the server."""
    events = services.board.events(job_id, after)
    closing = asyncio.ensure_future(services.closing.wait())
    try:
        while True:
            coming = asyncio.ensure_future(anext(events, None))
            await asyncio.wait({coming, closing}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                coming.cancel()
                return
            event = coming.result()
            if event is None:
                return
            yield event
    finally:
        closing.cancel()
