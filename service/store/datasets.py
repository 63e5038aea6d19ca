"""Sample arrays by the digest of their canonical form.

Canonical: two axes, C order, little-endian, float32 where every value is exactly a
float32 and float64 otherwise, no negative zero. Arrays of equal values thus share one
id whether they came as npy, csv, parquet or JSON. Each is an npy file, which a worker
maps into memory.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kantor.service.store.files import mark_used
from kantor.service.store.folder import Damaged, Folder
from kantor.service.store.writer import DatasetWriter

PREFIX = "ds_"

_reading = threading.Lock()
"""numpy reads headers by `ast.literal_eval`, which on Python 3.11 now and then raises
SystemError where two threads are in it at once."""


class UnknownDataset(KeyError):
    """Report that no dataset has the id."""


class DamagedDataset(UnknownDataset):
    """Report that a dataset was there, and not what its id says."""


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
        """Map a dataset into memory, read-only. The first time, all of it is read.

        Raises:
            UnknownDataset: There is no such dataset.
            DamagedDataset: There was one, and it was damaged.
        """
        self._path(dataset_id)
        try:
            path = self._folder.verified(dataset_id.removeprefix(PREFIX))
        except Damaged as error:
            raise DamagedDataset(dataset_id) from error
        if path is None:
            raise UnknownDataset(dataset_id)
        return map_array(path)

    def info(self, dataset_id: str) -> DatasetInfo:
        """Describe a dataset by its header.

        Raises:
            UnknownDataset: There is no such dataset.
            DamagedDataset: There was one, and its header or size is damaged.
        """
        path = self._path(dataset_id)
        try:
            array = map_array(path)
            n, dim = array.shape
        except (ValueError, EOFError) as error:
            self._folder.set_aside(path)
            raise DamagedDataset(dataset_id) from error
        created_at = path.stat().st_mtime
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

    def has(self, item: str) -> bool:
        """Tell whether there is such a dataset, without reading it."""
        digest = item.removeprefix(PREFIX)
        return item.startswith(PREFIX) and self._folder.find(digest) is not None

    def check(self) -> Iterator[tuple[str, bool]]:
        """Read every dataset; yield its id and whether it is sound."""
        return ((dataset_id(digest), ok) for digest, ok in self._folder.check())

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
