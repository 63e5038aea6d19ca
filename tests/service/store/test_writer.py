"""Rows that arrive in blocks give the bytes that they would give at once."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kantor.service.store import writer
from kantor.service.store.folder import Folder
from kantor.service.store.writer import DatasetWriter

ROWS = np.random.default_rng(2).normal(size=(40, 3))


def written(root: Path, *blocks: NDArray[Any]) -> NDArray[Any]:
    folder = Folder(root, suffix=".npy")
    with DatasetWriter(folder, blocks[0].shape[1]) as target:
        for block in blocks:
            target.append(block)
        path = folder.find(target.commit())
    assert path is not None
    array: NDArray[Any] = np.load(path)
    return array


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), max_size=6), st.integers(0, 39))
def test_where_blocks_end_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], double: int
) -> None:
    """The first value that is no float32 comes anywhere: what was before is widened."""
    rows = ROWS.astype(np.float32).astype(np.float64)
    rows[double, 1] = 0.1
    blocks = np.split(rows, sorted(cuts))
    root = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "CHUNK_BYTES", 128)
        found = written(root, *blocks)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, rows)


def test_what_float32_holds_is_kept_as_that(tmp_path: Path) -> None:
    found = written(tmp_path, ROWS.astype(np.float32), np.arange(6).reshape(2, 3))
    assert (found.dtype, found.shape) == (np.dtype(np.float32), (42, 3))


def test_negative_zero_is_zero(tmp_path: Path) -> None:
    assert not np.signbit(written(tmp_path, np.array([[-0.0, 0.0]]))).any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(ValueError, match="expected finite numbers"):
        written(tmp_path, np.array([[1.0, value]]))


def test_rows_of_another_length_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected rows of 3 features"):
        written(tmp_path, ROWS, ROWS[:, :2])
