"""A board and two workers on one fresh key prefix."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
import redis

from service.broker import connect_async
from service.queue import JobBoard, JobRecord, LeaseQueue, NewJob, SampleRef
from service.settings import Settings

T = TypeVar("T")


class Board:
    """Call the asynchronous board from a synchronous test."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._runner = asyncio.Runner()
        assert settings.redis_url is not None
        self._client = connect_async(settings.redis_url.get_secret_value())
        self.board = JobBoard(self._client, settings)

    def set_limits(self, **changes: Any) -> None:
        """Go on with other settings, on the same keys."""
        settings = self._settings.model_copy(update=changes)
        self.board = JobBoard(self._client, settings)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)

    def enqueue(self, **changes: Any) -> JobRecord:
        return self.run(self.board.enqueue(new_job(**changes)))

    def get(self, job_id: str) -> JobRecord:
        record = self.run(self.board.get(job_id))
        assert record is not None
        return record

    def cancel(self, job_id: str) -> JobRecord | None:
        return self.run(self.board.cancel(job_id))

    def event_types(self, job_id: str) -> list[str]:
        return [event.type for event in self.run(self.board.history(job_id))]

    def close(self) -> None:
        self.run(self._client.aclose())
        self._runner.close()


def new_job(**changes: Any) -> NewJob:
    """Return a job on two datasets that need not exist."""
    sides = {"source": SampleRef("ds_a", 50, 2), "target": SampleRef("ds_b", 60, 2)}
    return NewJob(**(sides | {"config": {"seed": 1}} | changes))


@pytest.fixture
def board(settings: Settings) -> Iterator[Board]:
    board = Board(settings)
    yield board
    board.close()


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
