"""Two workers' sides of one queue, and the loss of a lease."""

import time
from collections.abc import Callable

import pytest
import redis

from kantor.service.queue import LeaseQueue
from kantor.service.settings import Settings


@pytest.fixture
def worker(client: redis.Redis, settings: Settings) -> LeaseQueue:
    return LeaseQueue(client, settings, "worker-a")


@pytest.fixture
def other_worker(client: redis.Redis, settings: Settings) -> LeaseQueue:
    return LeaseQueue(client, settings, "worker-b")


@pytest.fixture
def lose_lease(
    client: redis.Redis, settings: Settings, worker: LeaseQueue
) -> Callable[[str], int]:
    """Return a function that makes a job's holder look silent, and reaps."""

    def lose(job_id: str) -> int:
        tag = "{" + settings.key_prefix + "}"
        client.set(f"{tag}:seen", int(time.time() * 1000))
        client.zadd(f"{tag}:leases", {job_id: 0})
        return worker.reap()

    return lose
