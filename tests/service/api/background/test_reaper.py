"""The reaper outlives what goes wrong, and waits for nobody."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
import redis

from kantor.service.api.background.reaper import reaping
from kantor.service.api.intake import Size
from kantor.service.api.services import Services, build_services
from kantor.service.api.uploads import UploadStore
from kantor.service.queue import JobBoard, JobStatus, LeaseQueue
from kantor.service.settings import Settings

PATIENCE_S = 10.0


@pytest.fixture
def lost_job(board: Any, client: redis.Redis, settings: Settings) -> str:
    """Return a running job whose worker has not been heard of for long."""
    job_id = str(board.enqueue().id)
    LeaseQueue(client, settings, "gone").claim()
    client.zadd("{" + settings.key_prefix + "}:leases", {job_id: 0})
    return job_id


def with_reaper(
    settings: Settings, block: Callable[[Services], Coroutine[Any, Any, None]]
) -> None:
    """Run a block of asynchronous code while a reaper is at work."""

    async def run() -> None:
        services = build_services(settings)
        async with (
            contextlib.aclosing(services.client),
            reaping(
                services.board,
                services.uploads,
                services.latencies,
                every_s=0.02,
                closing=services.closing,
                hold=lambda: None,
                forget=lambda: None,
            ),
        ):
            await block(services)

    asyncio.run(run())


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():
            await asyncio.sleep(0.02)


async def is_queued(services: Services, job_id: str) -> bool:
    job = await services.board.get(job_id)
    return job is not None and job.status is JobStatus.QUEUED


def test_an_upload_that_cannot_be_looked_at_does_not_end_it(
    settings: Settings, lost_job: str
) -> None:
    uploads = settings.data_dir / "uploads"
    uploads.mkdir(parents=True)
    (uploads / "up_0").write_text("a file, where a folder belongs")
    with_reaper(settings, lambda services: until(lambda: is_queued(services, lost_job)))


def test_any_error_of_the_queue_is_outlived(
    settings: Settings, lost_job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([OSError("no"), ValueError("no"), redis.ConnectionError("no")])
    reap = JobBoard.reap

    async def failing(board: JobBoard) -> int:
        if (failure := next(failures, None)) is not None:
            raise failure
        return await reap(board)

    monkeypatch.setattr(JobBoard, "reap", failing)

    async def block(services: Services) -> None:
        await until(lambda: is_queued(services, lost_job))
        assert next(failures, None) is None

    with_reaper(settings, block)


def test_busy_decoders_do_not_keep_a_lost_job_waiting(
    settings: Settings, lost_job: str
) -> None:
    free = threading.Event()

    async def block(services: Services) -> None:
        busy = [
            asyncio.ensure_future(
                services.intake.in_thread("", free.wait, PATIENCE_S, size=size)
            )
            for size in Size
            for _ in range(8)
        ]
        await asyncio.sleep(0.1)
        try:
            await until(lambda: is_queued(services, lost_job))
        finally:
            free.set()
            await asyncio.gather(*busy)

    with_reaper(settings, block)


def test_it_ends_with_the_block_even_while_a_sweep_hangs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, began = threading.Event(), threading.Event()

    def hang(_: Any) -> None:
        began.set()
        free.wait(PATIENCE_S)

    async def block(services: Services) -> None:
        await until(lambda: asyncio.to_thread(began.wait, 0.1))

    monkeypatch.setattr(UploadStore, "sweep", hang)
    started = time.monotonic()
    try:
        with_reaper(settings, block)
        assert time.monotonic() - started < PATIENCE_S / 2
    finally:
        free.set()
