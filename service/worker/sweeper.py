"""The thread that removes files which no job needs any more."""

import threading
from dataclasses import dataclass

import redis
import structlog
from redis.exceptions import RedisError

from kantor.service.queue.needed import may_sweep, needed
from kantor.service.settings import DAY_S, Settings
from kantor.service.store import (
    BlobStore,
    DatasetStore,
    ReferenceStore,
    open_bucket,
)
from kantor.service.store.files import remove_leftovers, remove_of_dead
from kantor.service.store.folder import ORPHAN_AGE_S

INTERVAL_S = 3600.0
BLOB_AGE_S = DAY_S
"""A blob is stored before the job refers to it; much later than any commit."""

log = structlog.get_logger(__name__)


class Sweeper(threading.Thread):
    """Sweeps the stores now and then; of all workers, one at a time does."""

    def __init__(
        self, client: redis.Redis, settings: Settings, stopping: threading.Event
    ) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._client = client
        self._settings = settings
        self._stopping = stopping

    def run(self) -> None:
        """Sweep every hour until told to stop."""
        while not self._stopping.wait(INTERVAL_S):
            try:
                evict(self._settings)
                if may_sweep(self._client, self._settings.key_prefix, INTERVAL_S):
                    swept = sweep(self._client, self._settings)
                    log.info(
                        "swept",
                        datasets=len(swept.datasets),
                        blobs=len(swept.blobs),
                        bodies=swept.bodies,
                    )
            except (RedisError, OSError) as error:
                log.warning("sweep_failed", error=str(error))


def evict(settings: Settings) -> int:
    """Make room on this host: remove copies of what a bucket has; return how many."""
    bucket = open_bucket(settings)
    stores = (DatasetStore, BlobStore)
    return sum(store(settings.data_dir, bucket).evict() for store in stores)


@dataclass(frozen=True)
class Swept:
    """What a sweep has removed.

    Attributes:
        datasets: Ids.
        blobs: Digests of results, critics and checkpoints.
        bodies: How many requests that were left half received.
    """

    datasets: list[str]
    blobs: list[str]
    bodies: int


def sweep(client: redis.Redis, settings: Settings, *, dry_run: bool = False) -> Swept:
    """Remove blobs no kept job refers to, and datasets unused for `dataset_ttl_s`.

    A dataset that a reference has stood for stays as long as the reference. Removed are
    also bodies that an API process which was killed has left half received. With
    `dry_run` nothing is removed, and the answer says what would be.
    """
    jobs = needed(client, settings.key_prefix)
    named = ReferenceStore(settings.data_dir).datasets()
    bucket = open_bucket(settings)
    datasets = DatasetStore(settings.data_dir, bucket).sweep(
        unused_s=settings.dataset_ttl_s,
        in_use=jobs.datasets | named,
        dry_run=dry_run,
    )
    blobs = BlobStore(settings.data_dir, bucket).sweep(
        unused_s=BLOB_AGE_S, in_use=jobs.blobs, dry_run=dry_run
    )
    incoming = settings.data_dir / "incoming"
    dead = remove_of_dead(incoming, dry_run=dry_run)
    old = remove_leftovers(incoming, age_s=ORPHAN_AGE_S, dry_run=dry_run)
    return Swept(datasets, blobs, dead + old)
