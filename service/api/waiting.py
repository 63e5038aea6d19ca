"""Wait for a job's events, bounded by time and by the server's own end."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from kantor.service.queue import JobBoard, JobEvent, JobRecord

MAX_WAIT_S = 60

TOLD_AGAIN_S = 0.1
"""How long a cancelled task has to end before it is cancelled again."""

_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,6})(?:$|[,;\s])")


def wanted_wait_s(prefer: str | None) -> int | None:
    """Return the seconds that a `Prefer: wait=N` header asks for, 60 at most.

    >>> wanted_wait_s("respond-async, wait=900")
    60
    """
    found = _WAIT.search(prefer or "")
    return min(int(found[1]), MAX_WAIT_S) if found else None


async def wait_for_end(
    board: JobBoard, record: JobRecord, wait_s: float, *, closing: asyncio.Event
) -> JobRecord:
    """Return the job once it has ended, or as it is when the time is over."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            async for _ in follow(board, record.id, after="0-0", closing=closing):
                pass
    return await board.get(record.id) or record


async def follow(
    board: JobBoard, job_id: str, *, after: str, closing: asyncio.Event
) -> AsyncGenerator[JobEvent, None]:
    """Yield a job's events until its end or that of the server.

    Whoever stops reading, by cancellation or by `aclose`, takes the poller with it.
    """
    events = board.events(job_id, after)
    closed = asyncio.ensure_future(closing.wait())
    coming: asyncio.Future[JobEvent | None] | None = None
    try:
        while True:
            coming = asyncio.ensure_future(_next(events))
            await asyncio.wait({coming, closed}, return_when=asyncio.FIRST_COMPLETED)
            event = coming.result() if coming.done() else None
            if event is None:
                return
            yield event
    finally:
        await _end({closed} if coming is None else {closed, coming})


async def _next(events: AsyncIterator[JobEvent]) -> JobEvent | None:
    return await anext(events, None)


async def _end(tasks: set[asyncio.Future[Any]]) -> None:
    """Cancel tasks and return when they have ended, so that connections are free.

    A cancellation can be lost where it meets the answer that a task waits for; then it
    would go on for ever, on a connection that nobody closes. So tasks are told again,
    and waited for even where this one is told to stop itself.
    """
    told = False
    while not all(task.done() for task in tasks):
        for task in tasks:
            task.cancel()
        try:
            await asyncio.wait(tasks, timeout=TOLD_AGAIN_S)
        except asyncio.CancelledError:
            told = True
    for task in tasks:
        if not task.cancelled():
            task.exception()  # seen, or asyncio would complain of it
    if told:
        raise asyncio.CancelledError
