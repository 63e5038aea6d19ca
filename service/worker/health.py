"""Whether the worker of this machine (or container) is heard by the queue."""

import socket

from redis.exceptions import RedisError

from kantor.service.queue.broker import connect
from kantor.service.queue.keys import Keys
from kantor.service.settings import Settings


class WorkerSilent(RuntimeError):
    """Report that no worker of this machine has been heard within the lease."""


def check_heard(settings: Settings) -> str:
    """Return which worker of this machine was heard last, and when.

    Raises:
        WorkerSilent: None was heard within `lease_s`, or the queue cannot be asked.
    """
    if settings.redis_url is None:
        raise WorkerSilent("expected KANTOR_REDIS_URL to be set for a worker")
    host = f"{socket.gethostname()}-"
    ages = {name: age for name, age in _ages(settings).items() if name.startswith(host)}
    newest = min(ages, key=lambda name: ages[name], default=None)
    if newest is None or ages[newest] > settings.lease_s:
        raise WorkerSilent(
            f"expected a worker of {host[:-1]} to be heard within "
            f"{settings.lease_s:g} s, received nothing"
        )
    return f"{newest} was heard {max(0.0, ages[newest]):.1f} s ago"


def _ages(settings: Settings) -> dict[str, float]:
    """Return the seconds since each worker was heard, by the server's clock."""
    assert settings.redis_url is not None
    key = Keys(settings.key_prefix)("workers")
    try:
        with connect(settings.redis_url.get_secret_value()) as client:
            seconds, microseconds = client.time()
            heard = client.zrange(key, 0, -1, withscores=True)
    except RedisError as error:
        raise WorkerSilent(f"the queue does not answer: {error}") from error
    now = seconds + microseconds / 1e6
    return {name: now - at / 1000 for name, at in heard}
