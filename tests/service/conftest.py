"""Fixtures on the real thing: one Valkey server a session, one key prefix a test."""

import asyncio
import os
import uuid
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import redis

from kantor.service.cli.demonstration import running_service
from kantor.service.client import KantorClient
from kantor.service.processes.valkey import EmbeddedValkey
from kantor.service.queue import JobBoard, JobRecord, NewJob, SampleRef
from kantor.service.queue.broker import connect, connect_async
from kantor.service.settings import Settings
from tests.service.buckets import (  # noqa: F401 - fixtures
    bucket_settings,
    new_bucket,
    s3_endpoint,
)

T = TypeVar("T")


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """Run one server for all tests; each keeps to its own prefix.

    KANTOR_TEST_SERVER names another binary, to test on Redis 6.2 or 7.
    """
    chosen = os.environ.get("KANTOR_TEST_SERVER")
    binary = Path(chosen) if chosen else None
    folder = tmp_path_factory.mktemp("valkey")
    with EmbeddedValkey(folder, binary=binary) as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """Return a start of Redis keys that no other test uses."""
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture
def client(valkey: EmbeddedValkey) -> Iterator[redis.Redis]:
    """Return a connection to the test server."""
    with connect(valkey.url) as connection:
        yield connection


@pytest.fixture
def settings(valkey: EmbeddedValkey, prefix: str, tmp_path: Path) -> Settings:
    """Return settings on the test server with a short lease and an own data folder."""
    return Settings.model_validate(
        {
            "data_dir": tmp_path / "data",
            "redis_url": valkey.url,
            "key_prefix": prefix,
            "lease_s": 1.0,
            "heartbeat_s": 0.25,
            "port": 0,
            "workers": 1,
            "worker_threads": 1,
        }
    )


@pytest.fixture(scope="session")
def live_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KantorClient]:
    """Run `kantor serve` with one worker for all tests that only use it."""
    with running_service(tmp_path_factory.mktemp("live")) as client:
        yield client


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
