"""A backup is taken while the service runs, and comes back whole."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kantor.service.processes.valkey import EmbeddedValkey
from kantor.service.queue import JobBoard, JobStatus, LeaseQueue, NewJob, SampleRef
from kantor.service.queue.broker import connect, connect_async
from kantor.service.settings import Settings
from kantor.service.store import BlobStore, DatasetStore
from kantor.service.upkeep.backup import BackupImpossible, back_up, restore

RESULT = b"result"


@pytest.fixture
def source(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "source")


@pytest.fixture
def copy(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "copy")


@pytest.fixture
def valkey(source: Settings) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(source.data_dir / "valkey") as server:
        yield server


def enqueue(valkey: EmbeddedValkey, settings: Settings, number: int) -> list[str]:
    dataset = DatasetStore(settings.data_dir).put_array(np.ones((40, 2)))
    side = SampleRef(dataset.id, 40, 2)

    async def submit() -> list[str]:
        async with connect_async(valkey.url) as client:
            board = JobBoard(client, settings)
            jobs = [NewJob(source=side, target=side, config={}) for _ in range(number)]
            return [(await board.enqueue(job)).id for job in jobs]

    return asyncio.run(submit())


def statuses(valkey: EmbeddedValkey, settings: Settings) -> dict[str, JobStatus]:
    async def look() -> dict[str, JobStatus]:
        async with connect_async(valkey.url) as client:
            page = await JobBoard(client, settings).page()
            return {job.id: job.status for _, job in page if job}

    return asyncio.run(look())


def finish_one(valkey: EmbeddedValkey, settings: Settings) -> str:
    digest = BlobStore(settings.data_dir).put(RESULT)
    with connect(valkey.url) as client:
        worker = LeaseQueue(client, settings, "w")
        worker.succeed(worker.claim()[0], result=digest)
    return digest


def test_what_was_backed_up_comes_back(
    tmp_path: Path, source: Settings, copy: Settings, valkey: EmbeddedValkey
) -> None:
    ids = enqueue(valkey, source, 3)
    digest = finish_one(valkey, source)
    backup = tmp_path / "backup"
    copied = back_up(source, backup)
    assert (copied.files, copied.damaged, copied.queue) == (2, [], "embedded")
    restore(backup, copy)
    with EmbeddedValkey(copy.data_dir / "valkey") as restored:
        ends = statuses(restored, copy)
    assert [ends[i] for i in ids] == ["succeeded", "queued", "queued"]
    assert BlobStore(copy.data_dir).get(digest) == RESULT


def test_several_parts_of_the_append_only_file_belong_together(
    tmp_path: Path, source: Settings, copy: Settings, valkey: EmbeddedValkey
) -> None:
    ids = enqueue(valkey, source, 2)
    with connect(valkey.url) as client:
        client.bgrewriteaof()
    ids += enqueue(valkey, source, 2)
    back_up(source, tmp_path / "backup")
    with connect(valkey.url) as client:
        percentage = client.config_get("auto-aof-rewrite-percentage")
    restore(tmp_path / "backup", copy)
    with EmbeddedValkey(copy.data_dir / "valkey") as restored:
        assert set(statuses(restored, copy)) == set(ids)
    assert percentage["auto-aof-rewrite-percentage"] == "100"


def test_a_backup_is_refreshed_with_what_is_new(
    tmp_path: Path, source: Settings, copy: Settings, valkey: EmbeddedValkey
) -> None:
    enqueue(valkey, source, 1)
    back_up(source, tmp_path / "backup")
    finish_one(valkey, source)
    assert back_up(source, tmp_path / "backup").files == 2
    restore(tmp_path / "backup", copy)
    with EmbeddedValkey(copy.data_dir / "valkey") as restored:
        assert set(statuses(restored, copy).values()) == {JobStatus.SUCCEEDED}


def test_a_service_that_is_stopped_is_backed_up_too(
    tmp_path: Path, source: Settings, copy: Settings
) -> None:
    with EmbeddedValkey(source.data_dir / "valkey") as server:
        ids = enqueue(server, source, 2)
    back_up(source, tmp_path / "backup")
    restore(tmp_path / "backup", copy)
    with EmbeddedValkey(copy.data_dir / "valkey") as restored:
        assert set(statuses(restored, copy)) == set(ids)


def test_a_file_that_was_damaged_in_the_backup_is_left_out(
    tmp_path: Path, source: Settings, copy: Settings, valkey: EmbeddedValkey
) -> None:
    digest = finish_one(valkey, source) if enqueue(valkey, source, 1) else ""
    back_up(source, tmp_path / "backup")
    [file] = (tmp_path / "backup" / "blobs").glob(f"*/{digest}")
    file.write_bytes(b"resulT")
    assert restore(tmp_path / "backup", copy).damaged == [digest]


def test_nothing_is_written_over(
    tmp_path: Path, source: Settings, valkey: EmbeddedValkey
) -> None:
    back_up(source, tmp_path / "backup")
    with pytest.raises(BackupImpossible, match="expected an empty data folder"):
        restore(tmp_path / "backup", source)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine").touch()
    with pytest.raises(BackupImpossible, match="expected a whole backup"):
        back_up(source, tmp_path / "other")


def test_half_a_backup_is_none(
    tmp_path: Path, source: Settings, copy: Settings, valkey: EmbeddedValkey
) -> None:
    back_up(source, tmp_path / "backup")
    (tmp_path / "backup" / "backup.json").unlink()
    with pytest.raises(BackupImpossible, match="expected a whole backup"):
        restore(tmp_path / "backup", copy)
