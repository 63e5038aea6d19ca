"""Reach the server behind a data folder, where one runs."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from kantor.service.processes.valkey import EmbeddedValkey
from kantor.service.queue.broker import connect
from kantor.service.settings import Settings


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
