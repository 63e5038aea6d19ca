"""Fixtures on the real thing: one Valkey server a session, one key prefix a test."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from service.broker import connect
from service.settings import Settings
from service.valkey import EmbeddedValkey


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """Run one Valkey server for all tests; each keeps to its own prefix."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server:
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
