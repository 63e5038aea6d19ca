"""Connect to Redis or Valkey, and refuse a server that cannot keep jobs safe.

Three kinds of client, since each waits differently: the API answers 503 within two
seconds, a worker's calls never repeat by themselves (a claim whose reply was lost must
not be claimed again), and no call of either blocks longer than its socket timeout.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from kantor.service.settings import MOST_CONNECTIONS

OLDEST_VERSION = (6, 2)
CONNECT_TIMEOUT_S = 1.0
ANSWER_TIMEOUT_S = 1.6
BLOCK_S = 1.0
"""Longest that a blocking read may wait: well below `ANSWER_TIMEOUT_S`."""

_OPTIONS: dict[str, Any] = {
    "protocol": 2,
    "decode_responses": True,
    "socket_connect_timeout": CONNECT_TIMEOUT_S,
    "socket_timeout": ANSWER_TIMEOUT_S,
}


class BrokerUnsuitable(RuntimeError):
    """Refuse a Redis server that lacks what the queue needs."""


@dataclass(frozen=True)
class ServerReport:
    """What a server is, and what an operator should change about it."""

    version: str
    warnings: list[str]


def connect(url: str) -> redis.Redis:
    """Return a client for a worker: bounded waits, nothing sent twice."""
    client: redis.Redis = redis.Redis.from_url(
        url, **_OPTIONS, retry=Retry(NoBackoff(), 0)
    )
    return client


def connect_async(url: str) -> redis.asyncio.Redis:
    """Return a client for the API; a connection found closed is opened again once."""
    retry = AsyncRetry(
        NoBackoff(), 1, supported_errors=(redis.exceptions.ConnectionError,)
    )
    client: redis.asyncio.Redis = _BoundedRedis.from_url(
        url, **_OPTIONS, retry=retry, max_connections=MOST_CONNECTIONS
    )
    return client


class _BoundedRedis(redis.asyncio.Redis):
    """A client whose commands end in time, however often they are tried.

    A server that takes connections and does not answer costs one timeout for the
    greeting of each connection that is opened, and another for the command.
    """

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command; return its reply."""
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except TimeoutError as error:
            raise redis.exceptions.TimeoutError(
                f"expected an answer within {ANSWER_TIMEOUT_S} s, received none"
            ) from error


def check_server(client: redis.Redis) -> ServerReport:
    """Return the server's version and warnings about its configuration.

    Raises:
        BrokerUnsuitable: The server is older than Redis 6.2, not one by itself, or has
            not the database that the URL names.
        redis.exceptions.RedisError: The server does not answer.
    """
    try:
        info: dict[str, Any] = client.info()
    except redis.exceptions.ResponseError as error:
        _check_database(client, error)
        raise
    _check_alone(info)
    version = str(info["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_VERSION:
        raise BrokerUnsuitable(
            f"expected Redis >= 6.2 or Valkey, received version {version}"
        )
    return ServerReport(str(info.get("valkey_version", version)), _warnings(info))


def _check_database(client: redis.Redis, error: redis.exceptions.ResponseError) -> None:
    """Check that an error was not about the number at the end of the URL.

    Raises:
        BrokerUnsuitable: It was: waiting does not mend it.
    """
    if "SELECT" in str(error) or "DB index" in str(error):
        number = client.get_connection_kwargs().get("db")
        raise BrokerUnsuitable(
            f"expected a server with a database {number}, received one without "
            f"({error}); Clusters and Sentinels have none but 0, and cannot keep the "
            "queue"
        ) from error


def _check_alone(info: dict[str, Any]) -> None:
    """Check that the server keeps all the data, and keeps it itself.

    Raises:
        BrokerUnsuitable: It is a node of a Cluster, or a Sentinel.
    """
    mode = info.get("server_mode", info.get("redis_mode"))  # Valkey 8.1 has the first
    if mode == "sentinel":
        raise BrokerUnsuitable(
            "expected a server that keeps data, received a Sentinel: name the server "
            "itself, with appendonly on; a failover to a copy that lags behind loses "
            "jobs that were accepted"
        )
    if mode == "cluster" or info.get("cluster_enabled"):
        raise BrokerUnsuitable(
            "expected one server, received a node of a Redis Cluster: all keys of the "
            "queue lie in one slot, so that one node would do all the work"
        )


def _warnings(info: dict[str, Any]) -> list[str]:
    warnings = []
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        warnings.append(
            f"expected maxmemory-policy noeviction, received {policy}: "
            "jobs may be evicted when memory runs out"
        )
    if not info.get("aof_enabled", 0):
        warnings.append(
            "expected appendonly yes, received no: "
            "jobs of the last seconds or minutes are lost when the server stops"
        )
    return warnings
