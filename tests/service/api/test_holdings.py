"""What one owner can store is bounded, and the disk is never filled."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kantor.service.api import holdings as module
from kantor.service.api.access import Access
from kantor.service.api.errors import StorageExceeded
from kantor.service.api.holdings import Holdings
from kantor.service.api.uploads import UploadStore
from kantor.service.decoding import Limits
from kantor.service.settings import Settings
from kantor.service.store import DatasetStore

MIB = 1024 * 1024
KEYS = {"ann": "0" * 64, "bob": "1" * 64}


class House:
    """The parts that know what owners hold."""

    def __init__(self, folder: Path, **limits: Any) -> None:
        settings = Settings.model_validate({"data_dir": folder, **limits})
        self.store = DatasetStore(folder)
        self.access = Access(settings)
        self.uploads = UploadStore(folder, self.store)
        self.holdings = Holdings(settings, self.access, self.uploads)


def test_datasets_and_open_uploads_count(tmp_path: Path) -> None:
    house = House(tmp_path, max_stored_bytes_per_key=MIB)
    house.access.grant("ann", "ds_a", 600_000)
    upload = house.uploads.start("ann")
    house.uploads.add(upload, 0, np.ones((100, 500)), Limits())
    with pytest.raises(StorageExceeded, match="received 48577 beside 1000000 that"):
        house.holdings.admit("ann", 48_577)
    house.holdings.admit("ann", 48_576)
    house.holdings.admit("bob", MIB)


def test_what_was_deleted_counts_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLED_S", 0.0)
    house = House(tmp_path, max_stored_bytes_per_key=MIB)
    house.access.grant("ann", "ds_a", MIB)
    with pytest.raises(StorageExceeded):
        house.holdings.admit("ann", 1)
    house.access.revoke("ann", "ds_a")
    house.holdings.admit("ann", MIB)


def test_room_that_one_process_takes_is_taken_in_all(tmp_path: Path) -> None:
    houses = [House(tmp_path, max_stored_bytes_per_key=MIB) for _ in range(2)]
    for house in houses:
        house.holdings.admit("ann", MIB)
    houses[0].holdings.take("ann", MIB)
    with pytest.raises(StorageExceeded):
        houses[1].holdings.admit("ann", 1)
    houses[1].holdings.take("bob", MIB)


def test_what_comes_at_once_has_no_more_room_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLED_S", 60.0)  # nothing is stored in earnest
    houses = [House(tmp_path, max_stored_bytes_per_key=MIB) for _ in range(2)]
    houses[0].holdings.admit("ann", 0)

    def took(number: int) -> bool:
        noted = houses[number % 2].holdings._tally("ann")
        return noted.take(MIB // 10, most=MIB)

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(took, range(200))) == 10


def test_room_for_what_was_there_already_is_given_back(tmp_path: Path) -> None:
    house = House(tmp_path, max_stored_bytes_per_key=MIB)
    for _ in range(3):
        house.holdings.take("ann", MIB)
        house.holdings.give_back("ann", MIB)
    house.holdings.take("ann", MIB)


@pytest.mark.parametrize("content", [b"", b"\0" * 42, b"many 1.0", b"1 nan"])
def test_a_damaged_tally_is_counted_anew(tmp_path: Path, content: bytes) -> None:
    house = House(tmp_path, max_stored_bytes_per_key=MIB)
    house.access.grant("ann", "ds_a", MIB)
    house.holdings.admit("ann", 0)
    [tally] = (tmp_path / "tallies").iterdir()
    tally.write_bytes(content)
    with pytest.raises(StorageExceeded):
        house.holdings.take("ann", 1)


def test_a_second_owner_gives_both_a_limit(tmp_path: Path) -> None:
    house = House(tmp_path, api_keys={"ann": KEYS["ann"]})
    assert house.holdings.limit() is None
    both = Settings.model_validate({"data_dir": tmp_path, "api_keys": KEYS})
    house.holdings.adopt(both)
    assert house.holdings.limit() is not None


def test_several_owners_have_a_quarter_of_the_disk_each(tmp_path: Path) -> None:
    total = shutil.disk_usage(tmp_path).total
    assert House(tmp_path, api_keys=KEYS).holdings.limit() == total // 4
    assert House(tmp_path).holdings.limit() is None


def test_a_reserve_of_the_disk_is_left_to_jobs_that_end(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    house = House(tmp_path, disk_reserve_bytes=free + 2**40)
    with pytest.raises(OSError, match=os.strerror(28)):
        house.holdings.admit("", 0)


def test_rights_to_what_is_gone_are_forgotten(tmp_path: Path) -> None:
    house = House(tmp_path)
    kept, gone = (house.store.put_array(np.full((40, 1), i)) for i in (1.0, 2.0))
    for info in (kept, gone):
        house.access.grant("ann", info.id, info.nbytes)
    house.store.delete(gone.id)
    assert house.access.forget_gone(house.store.has) == 1
    assert house.access.may_use("ann", kept.id)
    assert not house.access.may_use("ann", gone.id)
    assert house.access.held("ann") == kept.nbytes
