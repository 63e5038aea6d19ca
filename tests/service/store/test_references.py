from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kantor.service.store import ReferenceStore, UnknownReference


@pytest.fixture
def store(tmp_path: Path) -> ReferenceStore:
    return ReferenceStore(tmp_path)


def test_the_newest_version_is_what_a_name_stands_for(store: ReferenceStore) -> None:
    store.put("ann", "baseline", "ds_1")
    store.put("ann", "baseline", "ds_2")
    found = store.find("ann", "baseline")
    assert found.newest.dataset == "ds_2"
    assert [version.dataset for version in found.versions] == ["ds_1", "ds_2"]
    assert found.versions[0].created_at <= found.versions[1].created_at


def test_naming_the_same_dataset_again_makes_no_version(store: ReferenceStore) -> None:
    first = store.put("ann", "baseline", "ds_1")
    assert store.put("ann", "baseline", "ds_1") == first


def test_names_belong_to_their_owner(store: ReferenceStore) -> None:
    store.put("ann", "baseline", "ds_1")
    assert store.all("bob") == []
    with pytest.raises(UnknownReference):
        store.find("bob", "baseline")
    assert not store.forget("bob", "baseline")
    assert [reference.name for reference in store.all("ann")] == ["baseline"]


def test_every_version_is_kept_until_its_name_is_forgotten(
    store: ReferenceStore,
) -> None:
    store.put("ann", "baseline", "ds_1")
    store.put("ann", "baseline", "ds_2")
    store.put("bob", "b", "ds_3")
    assert store.datasets() == {"ds_1", "ds_2", "ds_3"}
    assert store.naming("ann", "ds_1") == "baseline"
    assert store.naming("bob", "ds_1") is None
    assert store.forget("ann", "baseline")
    assert store.datasets() == {"ds_3"}


def test_versions_of_many_writers_are_all_there(tmp_path: Path) -> None:
    def put(number: int) -> None:
        ReferenceStore(tmp_path).put("ann", "baseline", f"ds_{number}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(put, range(40)))
    found = ReferenceStore(tmp_path).find("ann", "baseline")
    assert {version.dataset for version in found.versions} == {
        f"ds_{number}" for number in range(40)
    }
