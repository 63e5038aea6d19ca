"""`kantor gc`: remove now what the workers would remove within the hour."""

from dataclasses import dataclass

from kantor.service.settings import Settings
from kantor.service.upkeep.server import needed_server
from kantor.service.worker.sweeper import Swept, evict, sweep


@dataclass(frozen=True)
class Collected:
    """What was removed, and how many copies of what a bucket has."""

    swept: Swept
    evicted: int


def collect(settings: Settings, *, dry_run: bool = False) -> Collected:
    """Remove the files that no job needs; with `dry_run`, say which they are.

    Raises:
        QueueAway: No server runs on this folder.
        redis.exceptions.RedisError: The server that is set does not answer.
    """
    reason = "since it alone knows which files jobs need"
    with needed_server(settings, reason) as client:
        swept = sweep(client, settings, dry_run=dry_run)
    return Collected(swept, 0 if dry_run else evict(settings))
