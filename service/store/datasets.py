"""Sample arrays by the digest of their canonical form.

Canonical: two axes, C order, little-endian, float32 where every value is exactly a
float32 and float64 otherwise, no negative zero. Arrays of equal values thus share one
id whether they came as npy, csv, parquet or JSON. Each is an npy file, which a worker
maps into memory.
"""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kantor.service.store.folder import Folder, mark_used
from kantor.service.store.writer import DatasetWriter

PREFIX = "ds_"

_reading = threading.Lock()
"""numpy reads headers by `ast.literal_eval`, which on Python 3.11 now and then raises
SystemError where two threads are in it at once."""


class UnknownDataset(KeyError):
    """Report that no dataset has the id."""


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a dataset; `created_at` is seconds since the epoch."""

    id: str
    n: int
    dim: int
    dtype: str
    nbytes: int
    created_at: float


class DatasetStore:
    """Datasets in `<data_dir>/datasets`."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = Folder(data_dir / "datasets", suffix=".npy")

    def put_array(self, array: NDArray[Any]) -> DatasetInfo:
        """Store an array (n, d) of finite real numbers.

        Raises:
            ValueError: It has not two axes, or values that are not finite.
        """
        if array.ndim != 2:
            raise ValueError(f"expected an array (n, d), received {array.shape}")
        with self.writer(array.shape[1]) as writer:
            writer.append(array)
            return self.info(PREFIX + writer.commit())

    def writer(self, dim: int) -> DatasetWriter:
        """Return a writer for an array that arrives a block of rows at a time.

        Used as a context manager; `commit` stores what was appended and returns the
        digest, from which the id is made by `dataset_id`.
        """
        return DatasetWriter(self._folder, dim)

    def open_array(self, dataset_id: str) -> np.memmap[Any, Any]:
        """Map a dataset into memory, read-only.

        Raises:
            UnknownDataset: There is no such dataset.
        """
        return map_array(self._path(dataset_id))

    def info(self, dataset_id: str) -> DatasetInfo:
        """Describe a dataset.

        Raises:
            UnknownDataset: There is no such dataset.
        """
        array = self.open_array(dataset_id)
        n, dim = array.shape
        created_at = self._path(dataset_id).stat().st_mtime
        return DatasetInfo(
            dataset_id, n, dim, array.dtype.name, array.nbytes, created_at
        )

    def touch(self, dataset_id: str) -> float:
        """Mark a dataset as used, so that a sweep leaves it; return when it was made.

        Raises:
            UnknownDataset: There is no such dataset.
        """
        return mark_used(self._path(dataset_id))

    def delete(self, dataset_id: str) -> bool:
        """Remove a dataset; return whether there was one."""
        return self._folder.remove(dataset_id.removeprefix(PREFIX))

    def sweep(
        self, *, unused_s: float, in_use: frozenset[str] = frozenset()
    ) -> list[str]:
        """Remove datasets that nobody has used for a time; return their ids."""
        digests = frozenset(item.removeprefix(PREFIX) for item in in_use)
        removed = self._folder.sweep(unused_s=unused_s, in_use=digests)
        return [dataset_id(digest) for digest in removed]

    def _path(self, item: str) -> Path:
        digest = item.removeprefix(PREFIX)
        path = self._folder.find(digest) if item.startswith(PREFIX) else None
        if path is None:
            raise UnknownDataset(item)
        return path


def map_array(path: Path) -> np.memmap[Any, Any]:
    """Map an npy file into memory, read-only."""
    with _reading:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    assert isinstance(array, np.memmap)
    return array


def dataset_id(digest: str) -> str:
    """Return the id of the dataset with a digest."""
    return PREFIX + digest
