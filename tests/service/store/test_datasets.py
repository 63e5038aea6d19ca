import gc
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kantor.service.store import DatasetStore, UnknownDataset
from kantor.service.store import writer as writer_module
from kantor.service.store.datasets import dataset_id


@pytest.fixture
def store(tmp_path: Path) -> DatasetStore:
    return DatasetStore(tmp_path)


def test_an_array_comes_back_as_it_was(store: DatasetStore) -> None:
    array = np.random.default_rng(0).normal(size=(50, 3))
    info = store.put_array(array)
    assert (info.n, info.dim, info.dtype) == (50, 3, "float64")
    np.testing.assert_array_equal(store.open_array(info.id), array)


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i8", "u1", "<f2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_equal_values_share_an_id(store: DatasetStore, dtype: str, order: Any) -> None:
    values = np.arange(12.0).reshape(6, 2)
    same = np.array(values, dtype=dtype, order=order)
    assert store.put_array(same).id == store.put_array(values).id


def test_negative_zero_is_zero(store: DatasetStore) -> None:
    ids = {store.put_array(np.full((2, 2), z)).id for z in (0.0, -0.0)}
    assert len(ids) == 1


def test_shape_is_part_of_the_id(store: DatasetStore) -> None:
    values = np.arange(12.0)
    ids = {store.put_array(values.reshape(s)).id for s in [(6, 2), (3, 4)]}
    assert len(ids) == 2


def test_single_precision_is_kept_small(store: DatasetStore) -> None:
    assert store.put_array(np.array([[0.5], [1.0]])).dtype == "float32"
    assert store.put_array(np.array([[0.1], [1.0]])).dtype == "float64"


def test_integers_beyond_single_precision_stay_exact(store: DatasetStore) -> None:
    info = store.put_array(np.array([[2**24 + 1]]))
    assert store.open_array(info.id)[0, 0] == 2**24 + 1


@given(
    array=hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=8),
        elements=st.floats(allow_nan=False, allow_infinity=False),
    ),
    cut=st.integers(0, 8),
)
def test_blocks_make_the_id_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, array: Any, cut: int
) -> None:
    store = DatasetStore(tmp_path_factory.getbasetemp() / "blocks")
    with store.writer(array.shape[1]) as writer:
        writer.append(array[:cut])
        writer.append(array[cut:])
        digest = writer.commit()
    info = store.put_array(array)
    assert dataset_id(digest) == info.id
    np.testing.assert_array_equal(store.open_array(info.id), array + 0.0)


def test_widening_goes_block_by_block(
    store: DatasetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "CHUNK_BYTES", 64)
    array = np.arange(100.0).reshape(50, 2)
    array[-1, -1] = 0.1
    info = store.put_array(array)
    np.testing.assert_array_equal(store.open_array(info.id), array)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(
    store: DatasetStore, value: float
) -> None:
    with pytest.raises(ValueError, match="expected finite numbers"):
        store.put_array(np.array([[value]]))


def test_a_writer_that_does_not_commit_leaves_nothing(
    store: DatasetStore, tmp_path: Path
) -> None:
    with store.writer(1) as writer:
        writer.append(np.ones((3, 1)))
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("name", ["ds_" + "0" * 64, "ds_../../etc/passwd", "x", ""])
def test_an_unknown_id_is_refused(store: DatasetStore, name: str) -> None:
    with pytest.raises(UnknownDataset):
        store.open_array(name)
    assert store.delete(name) is False


def test_delete_removes(store: DatasetStore) -> None:
    info = store.put_array(np.ones((2, 2)))
    assert store.delete(info.id)
    with pytest.raises(UnknownDataset):
        store.info(info.id)


def test_sweep_removes_what_is_old_and_unused(store: DatasetStore) -> None:
    ids = [store.put_array(np.full((1, 1), v)).id for v in (1.0, 2.0, 3.0)]
    for item in ids[:2]:
        os.utime(store._path(item), (1, 1))
    removed = store.sweep(unused_s=60.0, in_use=frozenset(ids[:1]))
    assert removed == [ids[1]]


def test_touch_keeps_a_dataset(store: DatasetStore) -> None:
    info = store.put_array(np.ones((1, 1)))
    os.utime(store._path(info.id), (1, 1))
    store.touch(info.id)
    assert store.sweep(unused_s=60.0) == []


def test_a_use_leaves_the_time_of_creation(tmp_path: Path) -> None:
    store = DatasetStore(tmp_path)
    info = store.put_array(np.ones((3, 2)))
    os.utime(store._path(info.id), (1, 1))
    store.touch(info.id)
    assert store.info(info.id).created_at == 1.0
    assert store.sweep(unused_s=60.0, in_use=frozenset()) == []


@pytest.fixture
def busy_collector() -> Iterator[None]:
    """Collect garbage often, with a callback during which threads may change."""
    before = gc.get_threshold()
    gc.set_threshold(20)
    gc.callbacks.append(run_a_little)
    yield
    gc.callbacks.remove(run_a_little)
    gc.set_threshold(*before)


def run_a_little(phase: str, info: dict[str, int]) -> None:
    sum(range(50))


@pytest.mark.usefixtures("busy_collector")
def test_threads_may_read_at_once(store: DatasetStore) -> None:
    stored = store.put_array(np.ones((40, 2)))
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(store.info, [stored.id] * 4000))
    assert found == {stored}
