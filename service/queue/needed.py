"""Which stored files the queue still needs."""

import contextlib
from dataclasses import dataclass
from typing import Any

import redis

from kantor.service.queue.damage import JobDamaged
from kantor.service.queue.keys import Keys
from kantor.service.queue.records import JobRecord

PAGE = 500


@dataclass(frozen=True)
class Needed:
    """Ids of datasets and digests of blobs that jobs refer to."""

    datasets: frozenset[str]
    blobs: frozenset[str]


def may_sweep(client: redis.Redis, prefix: str, every_s: float) -> bool:
    """Tell whether this process shall sweep now: one of all, once in a while."""
    key = Keys(prefix)("sweeping")
    return bool(client.set(key, 1, nx=True, px=round(every_s * 1000)))


def needed(client: redis.Redis, prefix: str) -> Needed:
    """Return what the kept jobs refer to."""
    keys = Keys(prefix)
    datasets: set[str] = set()
    blobs: set[str] = set()
    ids: list[Any] = client.zrange(keys("index"), 0, -1)
    for start in range(0, len(ids), PAGE):
        with client.pipeline(transaction=False) as pipe:
            for job_id in ids[start : start + PAGE]:
                pipe.hgetall(keys("job", job_id))
            for fields in pipe.execute():
                if "status" in fields:
                    with contextlib.suppress(JobDamaged):
                        _add(JobRecord.from_hash(fields), datasets, blobs)
    return Needed(frozenset(datasets), frozenset(blobs))


def _add(job: JobRecord, datasets: set[str], blobs: set[str]) -> None:
    blobs.update(d for d in (job.result, job.critic, job.checkpoint) if d)
    if not job.status.is_terminal:
        named = [(side.dataset, side.weights) for side in (job.source, job.target)]
        datasets.update(name for pair in named for name in pair if name)
