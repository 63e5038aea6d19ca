"""Two hosts share a bucket; each has a folder of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kantor.estimator.samples.table import Column, Table
from kantor.service.settings import Settings
from kantor.service.store import (
    BlobStore,
    Bucket,
    BucketUnavailable,
    DamagedBlob,
    DatasetStore,
    UnknownBlob,
    UnknownDataset,
    open_bucket,
    shared,
)

ROWS = np.arange(12.0).reshape(6, 2)


@pytest.fixture
def hosts(tmp_path: Path, new_bucket: Callable[[], Bucket]) -> list[DatasetStore]:
    return [DatasetStore(tmp_path / name, new_bucket()) for name in "ab"]


@pytest.fixture
def blobs(tmp_path: Path, new_bucket: Callable[[], Bucket]) -> list[BlobStore]:
    return [BlobStore(tmp_path / name, new_bucket()) for name in "ab"]


def test_what_one_host_stores_another_reads(hosts: list[DatasetStore]) -> None:
    there = hosts[0].put_array(ROWS)
    assert hosts[1].has(there.id)
    np.testing.assert_array_equal(hosts[1].open_array(there.id), ROWS)
    assert hosts[1].info(there.id).created_at == pytest.approx(
        there.created_at, abs=2.0
    )


def test_a_table_brings_its_names(hosts: list[DatasetStore]) -> None:
    columns = (Column(name="a", kind="number"), Column(name="b", kind="number"))
    table = Table(columns, ROWS)
    there = hosts[0].put_table(table)
    found = hosts[1].open(there.id)
    assert isinstance(found, Table)
    assert [column.name for column in found.columns] == ["a", "b"]


def test_a_large_file_goes_in_parts(blobs: list[BlobStore]) -> None:
    content = np.random.default_rng(0).bytes(12_000_000)
    digest = blobs[0].put(content)
    assert blobs[1].get(digest) == content


def test_what_nobody_stored_is_unknown(
    hosts: list[DatasetStore], blobs: list[BlobStore]
) -> None:
    with pytest.raises(UnknownBlob):
        blobs[0].get("0" * 64)
    with pytest.raises(UnknownDataset):
        hosts[0].open("ds_" + "0" * 64)


def test_a_copy_that_is_damaged_is_fetched_again(blobs: list[BlobStore]) -> None:
    digest = blobs[0].put(b"content")
    blobs[1].path(digest).write_bytes(b"another")
    assert blobs[1].get(digest) == b"content"


def test_what_is_damaged_in_the_bucket_is_refused_and_heals(
    blobs: list[BlobStore], new_bucket: Callable[[], Bucket]
) -> None:
    digest = blobs[0].put(b"content")
    new_bucket().put(f"blobs/{digest[:2]}/{digest}", b"another")
    with pytest.raises(DamagedBlob):
        blobs[1].get(digest)
    assert blobs[1].put(b"content") == digest
    assert new_bucket().read(f"blobs/{digest[:2]}/{digest}") == b"content"


def test_what_is_deleted_is_gone_for_all(blobs: list[BlobStore]) -> None:
    digest = blobs[0].put(b"content")
    assert blobs[1].delete(digest)
    assert not blobs[1].has(digest)
    assert not blobs[1].delete(digest)


def test_a_host_makes_room_and_the_bucket_keeps(
    blobs: list[BlobStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = blobs[0].put(b"content")
    local = blobs[0].path(digest)
    monkeypatch.setattr(shared, "CACHED_S", -1.0)
    assert blobs[0].evict() == 1
    assert not local.exists()
    assert blobs[0].get(digest) == b"content"


def test_a_sweep_leaves_what_is_needed_or_was_used(
    blobs: list[BlobStore], new_bucket: Callable[[], Bucket]
) -> None:
    needed, old = blobs[0].put(b"needed"), blobs[0].put(b"old")
    kept = frozenset({needed})
    assert blobs[1].sweep(unused_s=60.0, in_use=kept) == []  # both are new
    assert blobs[1].sweep(unused_s=-1.0, in_use=kept) == [old]
    assert {name for name, _ in new_bucket().all("")} == {
        f"blobs/{needed[:2]}/{needed}",
        f"blobs-used/{needed}",
    }


def test_every_host_sees_a_use(
    blobs: list[BlobStore],
    new_bucket: Callable[[], Bucket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    digest = blobs[0].put(b"content")
    new_bucket().delete(f"blobs-used/{digest}")
    blobs[1].touch(digest)
    assert [name for name, _ in new_bucket().all("blobs-used/")] == [
        f"blobs-used/{digest}"
    ]


def test_a_check_reads_the_bucket(
    blobs: list[BlobStore], new_bucket: Callable[[], Bucket]
) -> None:
    sound, damaged = blobs[0].put(b"sound"), blobs[0].put(b"damaged")
    new_bucket().put(f"blobs/{damaged[:2]}/{damaged}", b"another")
    assert dict(blobs[1].check()) == {sound: True, damaged: False}


def test_a_bucket_that_does_not_answer_is_an_os_error(
    tmp_path: Path, bucket_settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from kantor.service.store import bucket as module

    monkeypatch.setattr(module, "_RETRIES", {"max_retries": 0})
    away = bucket_settings | {"bucket_endpoint": "http://127.0.0.1:1"}
    store = BlobStore(tmp_path, open_bucket(Settings.model_validate(away)))
    with pytest.raises(OSError, match="the bucket does not serve"):
        store.put(b"content")


def test_a_url_that_is_no_bucket_is_refused() -> None:
    with pytest.raises(BucketUnavailable, match="cannot be used"):
        Bucket("s3://")


def test_what_a_host_holds_no_other_one_sweeps(
    hosts: list[DatasetStore], new_bucket: Callable[[], Bucket]
) -> None:
    there = hosts[0].put_array(ROWS).id
    digest = there.removeprefix("ds_")
    new_bucket().delete(f"datasets-used/{digest}")
    hosts[1].hold([there])
    assert [name for name, _ in new_bucket().all("datasets-used/")] == [
        f"datasets-used/{digest}"
    ]
