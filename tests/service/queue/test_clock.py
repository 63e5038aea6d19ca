"""A server's clock that is set forward, and back again: the times in the future."""

import time
from typing import Any

import pytest
import redis

from kantor.service.queue import JobStatus, LeaseQueue
from kantor.service.queue.keys import Keys
from kantor.service.settings import Settings

FORWARD_MS = 10 * 86_400_000


def now_ms() -> int:
    return int(time.time() * 1000)


@pytest.fixture
def keys(settings: Settings) -> Keys:
    return Keys(settings.key_prefix)


def reap_after_a_lease(worker: LeaseQueue, settings: Settings) -> int:
    """Reap at every heartbeat for a little longer than two leases."""
    taken = 0
    for _ in range(10):
        taken += worker.reap()
        time.sleep(settings.heartbeat_s)
    return taken


def test_grace_in_the_future_is_bounded(
    board: Any,
    worker: LeaseQueue,
    client: redis.Redis,
    keys: Keys,
    settings: Settings,
) -> None:
    job = board.enqueue()
    worker.claim()
    client.set(keys("grace"), now_ms() + FORWARD_MS)
    client.set(keys("seen"), now_ms() + FORWARD_MS)
    assert reap_after_a_lease(worker, settings) == 1
    assert board.get(job.id).status == JobStatus.QUEUED


def test_a_lease_from_the_future_runs_out(
    board: Any,
    worker: LeaseQueue,
    client: redis.Redis,
    keys: Keys,
    settings: Settings,
) -> None:
    job = board.enqueue()
    worker.claim()
    client.zadd(keys("leases"), {job.id: now_ms() + FORWARD_MS})
    assert reap_after_a_lease(worker, settings) == 1


def test_a_worker_from_the_future_is_not_heard_for_ever(
    board: Any, worker: LeaseQueue, client: redis.Redis, keys: Keys
) -> None:
    client.zadd(keys("workers"), {"gone": now_ms() + FORWARD_MS})
    worker.reap()
    assert (client.zscore(keys("workers"), "gone") or 0) <= now_ms() + 50


def test_a_notification_put_off_into_the_future_is_due(
    worker: LeaseQueue, client: redis.Redis, keys: Keys
) -> None:
    client.zadd(keys("deliveries"), {"job_x": now_ms() + FORWARD_MS})
    worker.reap()
    assert (client.zscore(keys("deliveries"), "job_x") or 0) <= now_ms() + 50


def test_a_rate_from_the_future_lets_its_holder_in_again(
    board: Any, client: redis.Redis, keys: Keys
) -> None:
    client.set(keys("rate", "ada"), now_ms() + FORWARD_MS)
    verdict = board.run(board.board.take_token("ada", per_minute=60, burst=2))
    assert verdict.retry_after_s <= 1.1


def test_a_run_that_ended_before_it_started_took_no_time(
    board: Any, worker: LeaseQueue, client: redis.Redis, keys: Keys
) -> None:
    board.enqueue()
    [claim] = worker.claim()
    client.hset(keys("job", claim.job.id), "started_at", now_ms() + FORWARD_MS)
    worker.succeed(claim, result="digest")
    assert board.run(board.board.stats()).totals["run_ms"] == 0
