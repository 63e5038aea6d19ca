"""Bits that flip on disk: noticed before they are used, healed by storing again."""

from pathlib import Path

import numpy as np
import pytest

from kantor.estimator.samples.table import Column, Table
from kantor.service.store import (
    BlobStore,
    DamagedBlob,
    DamagedDataset,
    DatasetStore,
    UnknownBlob,
    UnknownDataset,
)
from kantor.service.store import folder as folder_module

ARRAY = np.arange(100.0).reshape(50, 2)


def flip(path: Path, place: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def file_of(tmp_path: Path) -> Path:
    [file] = [p for p in tmp_path.glob("*/[0-9a-f][0-9a-f]/*") if p.is_file()]
    return file


def test_a_flipped_bit_is_noticed_and_healed(tmp_path: Path) -> None:
    dataset_id = DatasetStore(tmp_path).put_array(ARRAY).id
    flip(file_of(tmp_path))
    store = DatasetStore(tmp_path)
    with pytest.raises(DamagedDataset):
        store.open_array(dataset_id)
    with pytest.raises(UnknownDataset):
        store.info(dataset_id)
    assert store.put_array(ARRAY).id == dataset_id
    np.testing.assert_array_equal(store.open_array(dataset_id), ARRAY)


def test_storing_again_heals_what_nobody_has_noticed(tmp_path: Path) -> None:
    dataset_id = DatasetStore(tmp_path).put_array(ARRAY).id
    flip(file_of(tmp_path))
    store = DatasetStore(tmp_path)
    store.put_array(ARRAY)
    np.testing.assert_array_equal(store.open_array(dataset_id), ARRAY)


def test_damage_after_the_first_use_is_noticed_when_the_file_changes(
    tmp_path: Path,
) -> None:
    store = DatasetStore(tmp_path)
    dataset_id = store.put_array(ARRAY).id
    store.open_array(dataset_id)
    flip(file_of(tmp_path))
    with pytest.raises(DamagedDataset):
        store.open_array(dataset_id)


@pytest.mark.parametrize("length", [0, 60, 200])
def test_a_truncated_dataset_is_damaged(tmp_path: Path, length: int) -> None:
    store = DatasetStore(tmp_path)
    dataset_id = store.put_array(ARRAY).id
    file = file_of(tmp_path)
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(DamagedDataset):
        store.info(dataset_id)
    assert store.put_array(ARRAY).id == dataset_id
    assert store.info(dataset_id).n == 50


def test_a_damaged_blob_is_not_handed_out(tmp_path: Path) -> None:
    digest = BlobStore(tmp_path).put(b"content")
    flip(file_of(tmp_path))
    with pytest.raises(DamagedBlob):
        BlobStore(tmp_path).get(digest)
    with pytest.raises(UnknownBlob):
        BlobStore(tmp_path).path(digest)
    assert list((tmp_path / "blobs" / "damaged").iterdir()) != []


def test_a_file_is_read_once_by_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = BlobStore(tmp_path)
    digest = blobs.put(b"content")
    blobs.get(digest)
    blobs.touch(digest)
    monkeypatch.setattr(folder_module, "holds", None)
    assert blobs.get(digest) == b"content"


def test_a_check_reads_everything_and_names_the_damaged(tmp_path: Path) -> None:
    store = DatasetStore(tmp_path)
    sound, damaged = (store.put_array(ARRAY + i).id for i in range(2))
    flip(store._path(damaged))
    assert dict(store.check()) == {sound: True, damaged: False}
    assert dict(store.check()) == {sound: True}


def test_damaged_names_of_a_table_are_noticed_and_healed(tmp_path: Path) -> None:
    columns = (Column(name="age", kind="number"), Column(name="pay", kind="number"))
    table, store = Table(columns, ARRAY), DatasetStore(tmp_path)
    dataset_id = store.put_table(table).id
    store.open(dataset_id)
    [names] = tmp_path.glob("*/[0-9a-f][0-9a-f]/*.names")
    names.write_bytes(names.read_bytes().replace(b"age", b"agf"))
    with pytest.raises(DamagedDataset):
        store.open(dataset_id)
    assert store.put_table(table).id == dataset_id
    healed = store.open(dataset_id)
    assert isinstance(healed, Table)
    assert healed.names == ("age", "pay")
