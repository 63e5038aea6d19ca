from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from kantor.service.queue import JobStatus, LeaseQueue, SampleRef
from kantor.service.queue.keys import Keys
from kantor.service.settings import Settings
from kantor.service.store import BlobStore, DatasetStore
from kantor.service.upkeep.checking import check_everything


@pytest.fixture
def worker(client: redis.Redis, settings: Settings) -> LeaseQueue:
    return LeaseQueue(client, settings, "worker-a")


@pytest.fixture
def job_id(board: Any, settings: Settings) -> str:
    dataset = DatasetStore(settings.data_dir).put_array(np.ones((40, 2)))
    side = SampleRef(dataset.id, 40, 2)
    return str(board.enqueue(source=side, target=side).id)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_a_sound_folder_is_clean(
    job_id: str, worker: LeaseQueue, settings: Settings
) -> None:
    digest = BlobStore(settings.data_dir).put(b"result")
    worker.succeed(worker.claim()[0], result=digest)
    findings = check_everything(settings)
    assert findings.are_clean
    assert (findings.files, findings.jobs) == (2, 1)


def test_damaged_files_are_named_and_what_lacks_them(
    job_id: str, settings: Settings
) -> None:
    [file] = (settings.data_dir / "datasets").glob("*/*.npy")
    flip(file)
    findings = check_everything(settings)
    assert findings.damaged == [f"ds_{file.stem}"]
    assert findings.stranded == [job_id]


def test_a_missing_result_is_named(
    job_id: str, worker: LeaseQueue, settings: Settings
) -> None:
    worker.succeed(worker.claim()[0], result="0" * 64)
    assert check_everything(settings).unanswered == [job_id]


def test_jobs_that_no_set_knows_are_found(
    board: Any,
    job_id: str,
    worker: LeaseQueue,
    client: redis.Redis,
    settings: Settings,
) -> None:
    keys = Keys(settings.key_prefix)
    client.delete(keys("ready"), keys("index"), keys("queued"))
    assert worker.claim() == []
    assert check_everything(settings).jobs == 1
    assert board.get(job_id).status == JobStatus.QUEUED
    assert [claim.job.id for claim in worker.claim()] == [job_id]
    assert len(board.run(board.board.page())) == 1


def test_without_a_server_files_are_read_all_the_same(settings: Settings) -> None:
    alone = Settings(data_dir=settings.data_dir)
    DatasetStore(alone.data_dir).put_array(np.ones((40, 2)))
    findings = check_everything(alone)
    assert (findings.files, findings.jobs) == (1, None)
