import os
from typing import Any

import numpy as np
import pytest
import redis

from kantor.service.queue import LeaseQueue, SampleRef
from kantor.service.queue.needed import may_sweep
from kantor.service.settings import Settings
from kantor.service.store import BlobStore, DatasetStore, UnknownBlob, UnknownDataset
from kantor.service.worker.sweeper import sweep


def aged_blob(blobs: BlobStore, content: bytes) -> str:
    digest = blobs.put(content)
    os.utime(blobs.path(digest), (1, 1))
    return digest


def aged_dataset(settings: Settings, value: float) -> str:
    store = DatasetStore(settings.data_dir)
    info = store.put_array(np.full((40, 1), value))
    os.utime(store._path(info.id), (1, 1))
    return info.id


def test_results_of_kept_jobs_stay(
    board: Any, client: redis.Redis, settings: Settings
) -> None:
    blobs = BlobStore(settings.data_dir)
    kept, unused = aged_blob(blobs, b"kept"), aged_blob(blobs, b"unused")
    board.enqueue()
    worker = LeaseQueue(client, settings, "w")
    worker.succeed(worker.claim()[0], result=kept)
    sweep(client, settings)
    assert blobs.get(kept) == b"kept"
    with pytest.raises(UnknownBlob):
        blobs.get(unused)


def test_datasets_of_unfinished_jobs_stay(
    board: Any, client: redis.Redis, settings: Settings
) -> None:
    kept, unused = aged_dataset(settings, 1.0), aged_dataset(settings, 2.0)
    weights = aged_dataset(settings, 3.0)
    side = SampleRef(kept, 40, 1, weights)
    board.enqueue(source=side, target=side)
    sweep(client, settings)
    store = DatasetStore(settings.data_dir)
    assert store.info(kept).n == store.info(weights).n == 40
    with pytest.raises(UnknownDataset):
        store.info(unused)


def test_one_of_all_sweeps(client: redis.Redis, prefix: str) -> None:
    assert may_sweep(client, prefix, 60.0)
    assert not may_sweep(client, prefix, 60.0)


def test_bodies_that_were_half_received_go(
    board: Any, client: redis.Redis, settings: Settings
) -> None:
    incoming = settings.data_dir / "incoming"
    for name in ("old", "new"):
        (incoming / name).mkdir(parents=True)
        (incoming / name / "body").write_bytes(b"half")
    for path in (incoming / "old" / "body", incoming / "old"):
        os.utime(path, (1, 1))
    sweep(client, settings)
    assert [path.name for path in incoming.iterdir()] == ["new"]
