"""Go through every job there is, as whoever keeps the service does now and then."""

from collections.abc import Iterator
from typing import Any

import redis

from kantor.service.queue.damage import JobDamaged
from kantor.service.queue.figures import QueueStats
from kantor.service.queue.keys import Keys
from kantor.service.queue.records import JobRecord
from kantor.service.queue.scripting import milliseconds, script_text
from kantor.service.settings import Settings

PAGE = 200


def mend_all(client: redis.Redis, settings: Settings) -> int:
    """Bring every set into line with the hashes of all jobs; return how many jobs.

    Finds, too, jobs that no set knows any more.
    """
    keys = Keys(settings.key_prefix)
    mend = client.register_script(script_text("mend"))
    ids = sorted(_all_ids(client, keys))
    for start in range(0, len(ids), PAGE):
        page = ids[start : start + PAGE]
        mend(keys=[keys.tag], args=[settings.max_attempts, *page])
    return len(ids)


def queue_stats(client: redis.Redis, settings: Settings) -> QueueStats:
    """Count what is queued and running, and name the workers."""
    stats = client.register_script(script_text("stats"))
    tag = Keys(settings.key_prefix).tag
    reply = stats(keys=[tag], args=[milliseconds(settings.lease_s)])
    return QueueStats.from_reply(reply, settings.lease_s)


def all_jobs(client: redis.Redis, settings: Settings) -> Iterator[JobRecord]:
    """Yield every job whose record can be read."""
    keys = Keys(settings.key_prefix)
    for job_id in sorted(_all_ids(client, keys)):
        fields: Any = client.hgetall(keys("job", job_id))
        try:
            yield JobRecord.from_hash(fields)
        except JobDamaged:
            continue


def _all_ids(client: redis.Redis, keys: Keys) -> set[str]:
    start = keys("job", "")
    pattern = start.replace("[", r"\[").replace("]", r"\]") + "*"
    found: Iterator[str] = client.scan_iter(pattern, count=1000)
    return {key.removeprefix(start) for key in found}
