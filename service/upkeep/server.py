"""Reach the server behind a data folder, where one runs."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from kantor.service.processes.valkey import EmbeddedValkey
from kantor.service.queue.broker import connect
from kantor.service.settings import Settings


class QueueAway(RuntimeError):
    """Refuse what cannot be done without the queue."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"expected a running queue, {reason}, received none: start the service, "
            "or set KANTOR_REDIS_URL"
        )


@contextmanager
def needed_server(settings: Settings, reason: str) -> Iterator[redis.Redis]:
    """Yield a client as `running_server`.

    Raises:
        QueueAway: No server runs on this folder; says why one has to.
        redis.exceptions.RedisError: The server that is set does not answer.
    """
    with running_server(settings) as client:
        if client is None:
            raise QueueAway(reason)
        yield client


@contextmanager
def running_server(settings: Settings) -> Iterator[redis.Redis | None]:
    """Yield a client of the server that is set, or of the embedded one if it runs.

    Raises:
        redis.exceptions.RedisError: The server that is set does not answer.
    """
    if settings.redis_url is not None:
        with connect(settings.redis_url.get_secret_value()) as client:
            client.ping()
            yield client
        return
    with connect(EmbeddedValkey(settings.data_dir / "valkey").url) as client:
        try:
            client.ping()
        except redis.exceptions.ConnectionError:
            yield None
            return
        yield client
