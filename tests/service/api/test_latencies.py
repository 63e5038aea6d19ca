"""Times of requests: counted by every process, added up in one place."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from kantor.service.api.latencies import Kind, Latencies, Latency
from kantor.service.api.metrics import render_metrics
from kantor.service.queue import QueueStats
from kantor.service.queue.broker import connect_async
from kantor.service.queue.keys import Keys
from kantor.service.settings import Settings

LABELS = ("method", "route", "status", "le")
JOBS = ("GET", "/v1/jobs", "2xx")
Block = Callable[[Latencies, Latencies], Awaitable[Any]]


def with_two(settings: Settings, block: Block, *, url: str | None = None) -> Any:
    """Run a block with the counters of two processes."""
    assert settings.redis_url is not None
    address = url or settings.redis_url.get_secret_value()

    async def run() -> Any:
        clients = [connect_async(address) for _ in range(2)]
        try:
            one, other = (Latencies(c, settings.key_prefix) for c in clients)
            return await block(one, other)
        finally:
            for client in clients:
                await client.aclose()

    return asyncio.run(run())


def test_processes_count_together(settings: Settings) -> None:
    async def block(one: Latencies, other: Latencies) -> dict[Kind, Latency]:
        for seconds in (0.003, 0.04, 0.05, 120.0):
            one.observe("GET", "/v1/jobs", 200, seconds)
        await one.flush()
        other.observe("GET", "/v1/jobs", 204, 0.04)
        return await other.read()

    [(kind, found)] = with_two(settings, block).items()
    assert kind == JOBS
    assert found.counts == {0.005: 1, 0.05: 3, float("inf"): 1}
    assert found.total_s == pytest.approx(120.133)


def test_labels_are_bounded(settings: Settings) -> None:
    async def block(one: Latencies, _: Latencies) -> set[Kind]:
        for method in ("BREW", "FRY"):
            one.observe(method, "unknown", 405, 0.1)
        one.observe("POST", "/v1/jobs", None, 0.1)
        return set(await one.read())

    assert with_two(settings, block) == {
        ("other", "unknown", "4xx"),
        ("POST", "/v1/jobs", "none"),
    }


def test_what_is_counted_while_the_server_is_away_is_not_lost(
    settings: Settings,
) -> None:
    async def block(one: Latencies, other: Latencies) -> Any:
        one.observe("GET", "/v1/jobs", 200, 0.1)
        server = one._client
        one._client = connect_async("redis://127.0.0.1:1")
        with pytest.raises(redis.exceptions.ConnectionError):
            await one.flush()
        one._client = server
        one.observe("GET", "/v1/jobs", 200, 0.1)
        return (await one.read())[JOBS].counts

    assert with_two(settings, block) == {0.1: 2}


def test_a_damaged_key_begins_anew(settings: Settings, client: redis.Redis) -> None:
    client.set(Keys(settings.key_prefix)("requests"), "x")

    async def block(one: Latencies, _: Latencies) -> Any:
        one.observe("GET", "/v1/jobs", 200, 0.1)
        await one.flush()
        one.observe("GET", "/v1/jobs", 200, 0.1)
        return (await one.read())[JOBS].counts

    assert with_two(settings, block) == {0.1: 1}


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (
            sample.name.rpartition("_")[2],
            *(sample.labels[name] for name in LABELS if name in sample.labels),
        ): sample.value
        for family in text_string_to_metric_families(text)
        if family.name == "kantor_http_request_seconds"
        for sample in family.samples
    }


def test_buckets_are_cumulative() -> None:
    latency = Latency({0.05: 3, 5.0: 1, float("inf"): 1}, 70.0)
    stats = QueueStats(0, 0, 0.0, 0, {})
    found = samples(render_metrics(stats, {JOBS: latency}).decode())
    heights = [
        found["bucket", *JOBS, limit] for limit in ("0.025", "0.05", "5", "+Inf")
    ]
    assert heights == [0, 3, 4, 5]
    assert (found["count", *JOBS], found["sum", *JOBS]) == (5, 70.0)


def samples_with(api: httpx.Client, kind: tuple[str, ...]) -> dict[Any, float]:
    """Wait for a request to be counted, which is just after the caller has its end."""
    while kind not in (found := samples(api.get("/metrics").text)):
        time.sleep(0.02)
    return found


def test_a_request_is_counted_by_the_template_of_its_route(api: httpx.Client) -> None:
    api.get(f"/v1/jobs/job_{'0' * 32}")
    api.get(f"/v1/jobs/job_{'1' * 32}")
    api.head("/v1/jobs")
    api.get("/nowhere/at/all")
    api.get("/static/page/app.js")
    found = samples_with(api, ("count", "GET", "/static", "2xx"))
    assert found["count", "GET", "/v1/jobs/{job_id}", "4xx"] == 2
    assert found["count", "HEAD", "/v1/jobs", "2xx"] == 1
    assert found["count", "GET", "unknown", "4xx"] == 1
    assert found["count", "GET", "/static", "2xx"] == 1


def test_a_stream_counts_until_its_answer_begins(
    api: httpx.Client, rows: list[list[float]]
) -> None:
    body = {"source": {"samples": rows}, "target": {"samples": rows}}
    job = api.post("/v1/jobs", json=body).json()
    with api.stream("GET", job["links"]["events"]) as stream:
        lines = stream.iter_lines()
        next(lines)
        api.post(job["links"]["cancel"])
        list(lines)
    kind = ("sum", "GET", "/v1/jobs/{job_id}/events", "2xx")
    assert samples_with(api, kind)[kind] < 1.0
