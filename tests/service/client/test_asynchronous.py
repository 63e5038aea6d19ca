"""The client that is awaited, against a running service."""

import asyncio
from typing import Any

import numpy as np
import pytest

from kantor.service.client import (
    AsyncKantorClient,
    Conflict,
    JobFailed,
    KantorClient,
    NotFound,
)

QUICK = {"effort": "quick", "steps": 25}
X, Y = np.random.default_rng(7).normal(size=(2, 200, 2))


def test_a_job_from_its_submission_to_its_result(live_service: KantorClient) -> None:
    async def ask() -> Any:
        async with AsyncKantorClient(live_service.base_url) as client:
            job = await client.submit(X, Y + 2.0, config=QUICK, cache=False)
            seen = [event.type async for event in job.events()]
            await job.wait(timeout_s=60)
            scores = await job.scores(X[:5])
            curve = await client.curve(job.id, "csv")
            again = await client.job(job.id)
            return seen, job, scores, curve, again

    seen, job, scores, curve, again = asyncio.run(ask())
    assert (seen[0], seen[-1]) == ("queued", "succeeded")
    assert job.result.lower_bound > 0
    assert scores.shape == (5,)
    assert curve.startswith(b"step,")
    assert again == job


def test_many_jobs_go_side_by_side(live_service: KantorClient) -> None:
    async def ask() -> list[float]:
        async with AsyncKantorClient(live_service.base_url) as client:
            jobs = await asyncio.gather(
                *(client.submit(X, Y + s, config=QUICK) for s in (1.0, 2.0, 3.0))
            )
            ended = await asyncio.gather(*(job.wait() for job in jobs))
            return [job.result.estimate for job in ended]

    estimates = asyncio.run(ask())
    assert estimates == sorted(estimates)


def test_a_cancelled_job_has_no_result(live_service: KantorClient) -> None:
    async def ask() -> None:
        async with AsyncKantorClient(live_service.base_url) as client:
            endless = {"steps": 300_000, "width": 2048, "critic": "network"}
            job = await client.submit(X, Y + 1.0, config=endless)
            with pytest.raises(Conflict, match="wait"):
                _ = job.result
            await job.cancel()
            await job.wait(timeout_s=60)
            with pytest.raises(JobFailed, match="cancelled"):
                _ = job.result
            assert await job.delete()
            with pytest.raises(NotFound):
                await client.job(job.id)

    asyncio.run(ask())


def test_batches_may_go_up_at_once(live_service: KantorClient) -> None:
    async def ask() -> Any:
        async with AsyncKantorClient(live_service.base_url) as client:
            upload = await client.start_upload()
            parts = np.split(X, 4)
            await asyncio.gather(
                *(
                    client.send_batch(upload.id, part, index=index)
                    for index, part in enumerate(parts)
                )
            )
            assert (await client.upload(upload.id)).n == 200
            return await client.complete_upload(upload.id)

    assert asyncio.run(ask()).id == live_service.upload_dataset(X).id
