"""Whose datasets are whose, whichever way they were brought."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kantor.service.api.access import Access
from kantor.service.api.errors import DatasetNotFound
from kantor.service.api.holdings import Holdings
from kantor.service.api.intake import Intake
from kantor.service.api.owned import OwnedDatasets
from kantor.service.api.uploads import UploadStore
from kantor.service.decoding import Reading
from kantor.service.formats import FileFormat
from kantor.service.settings import Settings
from kantor.service.store import DatasetInfo, DatasetStore, ReferenceStore

ROWS = np.random.default_rng(4).normal(size=(50, 2))


class House:
    """Every owner's view of one store."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings.model_validate({"data_dir": folder})
        self.store = DatasetStore(folder)
        self.references = ReferenceStore(folder)
        self.access = Access(self.settings)
        self.uploads = UploadStore(folder, self.store)

    def of(self, owner: str) -> OwnedDatasets:
        intake = Intake(self.settings, self.store)
        holdings = Holdings(self.settings, self.access, self.uploads)
        return OwnedDatasets(
            owner, self.access, intake, holdings, self.store, self.references
        )


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def run(keeping: Coroutine[Any, Any, DatasetInfo]) -> DatasetInfo:
    return asyncio.run(keeping)


def npy(folder: Path) -> Path:
    path = folder / "x.npy"
    np.save(path, ROWS)
    return path


def by_rows(house: House, ann: OwnedDatasets, folder: Path) -> DatasetInfo:
    return run(ann.keep_rows("source", ROWS.tolist()))


def by_file(house: House, ann: OwnedDatasets, folder: Path) -> DatasetInfo:
    return run(ann.keep_file("", npy(folder), FileFormat.NPY, Reading()))


def by_part(house: House, ann: OwnedDatasets, folder: Path) -> DatasetInfo:
    with npy(folder).open("rb") as part:
        return run(ann.keep_part("source", part, FileFormat.NPY, Reading()))


def by_upload(house: House, ann: OwnedDatasets, folder: Path) -> DatasetInfo:
    upload = house.uploads.start("ann")
    house.uploads.add(upload, 0, ROWS, Intake(house.settings, house.store).limits)
    return run(ann.complete(house.uploads, upload.id))


def by_weights(house: House, ann: OwnedDatasets, folder: Path) -> DatasetInfo:
    return run(ann.keep_weights("source/weights", [1.0] * 50, 50))


@pytest.mark.parametrize("way", [by_rows, by_file, by_part, by_upload, by_weights])
def test_who_brings_samples_may_use_them_and_nobody_else(
    house: House, tmp_path: Path, way: Any
) -> None:
    ann = house.of("ann")
    info = way(house, ann, tmp_path)
    assert ann.find(info.id) == info
    with pytest.raises(DatasetNotFound) as refused:
        house.of("bob").find(info.id, "#/source/dataset")
    assert refused.value.errors[0].pointer == "#/source/dataset"


def test_content_goes_with_its_last_owner(house: House) -> None:
    ann, bob = house.of("ann"), house.of("bob")
    info = run(ann.keep_rows("source", ROWS.tolist()))
    run(bob.keep_rows("source", ROWS.tolist()))
    ann.forget(info.id)
    with pytest.raises(DatasetNotFound):
        ann.find(info.id)
    assert bob.find(info.id).n == 50
    bob.forget(info.id)
    assert not house.store.delete(info.id)


def test_nobody_can_forget_the_datasets_of_others(house: House) -> None:
    info = run(house.of("ann").keep_rows("source", ROWS.tolist()))
    with pytest.raises(DatasetNotFound):
        house.of("bob").forget(info.id)
    assert house.of("ann").find(info.id) == info


def test_datasets_from_before_there_were_keys_are_adopted_by_nobody(
    house: House,
) -> None:
    info = run(house.of("").keep_rows("source", ROWS.tolist()))
    ann = house.of("ann")
    with pytest.raises(DatasetNotFound):
        ann.find(info.id)
    with pytest.raises(DatasetNotFound):
        ann.forget(info.id)
    assert house.store.has(info.id)
    assert run(ann.keep_rows("source", ROWS.tolist())).id == info.id
    assert ann.find(info.id).id == info.id
