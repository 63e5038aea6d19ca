"""Sample arrays by the digest of their canonical form.

Canonical: two axes, C order, little-endian, float32 where every value is exactly a
float32 and float64 otherwise, no negative zero. Arrays of equal values thus share one
id whether they came as npy, csv, parquet or JSON. Each is an npy file, which a worker
maps into memory. A table is its array, where missing values are NaN, with a document of
names and kinds beside it, and its id covers both.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.samples.stacking import in_terms_of, joint_columns
from kantor.estimator.samples.table import Table
from kantor.service.store.bucket import Bucket
from kantor.service.store.folder import Damaged
from kantor.service.store.names import (
    columns_of_document,
    names_document,
    table_of_document,
)
from kantor.service.store.shared import open_folder
from kantor.service.store.writer import DatasetWriter

PREFIX = "ds_"

Stored = Table | NDArray[Any]
"""What a dataset is: a table, or an array (n, d)."""

_reading = threading.Lock()
"""numpy reads headers by `ast.literal_eval`, which on Python 3.11 now and then raises
SystemError where two threads are in it at once."""


class UnknownDataset(KeyError):
    """Report that no dataset has the id."""


class DamagedDataset(UnknownDataset):
    """Report that a dataset was there, and not what its id says."""


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a dataset; `created_at` is seconds since the epoch.

    `columns` are the names and kinds of a table's, None for a plain array.
    """

    id: str
    n: int
    dim: int
    dtype: str
    nbytes: int
    created_at: float
    columns: tuple[dict[str, Any], ...] | None = None


class DatasetStore:
    """Datasets in `<data_dir>/datasets`, and in a bucket if there is one."""

    def __init__(self, data_dir: Path, bucket: Bucket | None = None) -> None:
        self._folder = open_folder(data_dir / "datasets", ".npy", bucket)

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

    def put_table(self, table: Table) -> DatasetInfo:
        """Store a table: values, names and kinds."""
        with self.writer(len(table.columns), gaps=True) as writer:
            writer.append(table.values)
            return self.info(PREFIX + writer.commit(names_document(table)))

    def put_tables(self, parts: Sequence[Table]) -> DatasetInfo:
        """Store tables of the same names as one, one below the other.

        Raises:
            InvalidSamples: A column holds values of different kinds.
        """
        columns = joint_columns(parts)
        notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
        names = names_document(Table(columns, np.empty((0, len(columns))), notes))
        with self.writer(len(columns), gaps=True) as writer:
            for part in parts:
                writer.append(in_terms_of(columns, part))
            return self.info(PREFIX + writer.commit(names))

    def writer(self, dim: int, *, gaps: bool = False) -> DatasetWriter:
        """Return a writer for an array that arrives a block of rows at a time.

        Used as a context manager; `commit` stores what was appended and returns the
        digest, from which the id is made by `dataset_id`.
        """
        return DatasetWriter(self._folder, dim, gaps=gaps)

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

    def open(self, dataset_id: str) -> Stored:
        """Return a table with its names, or an array; the values are mapped.

        Raises:
            UnknownDataset: There is no such dataset.
            DamagedDataset: There was one, and it was damaged.
        """
        values = self.open_array(dataset_id)
        names = self._names(dataset_id)
        return values if names is None else table_of_document(names, values)

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
        names = self._names(dataset_id)
        columns = None if names is None else columns_of_document(names)
        return DatasetInfo(
            dataset_id, n, dim, array.dtype.name, array.nbytes, created_at, columns
        )

    def touch(self, dataset_id: str) -> float:
        """Mark a dataset as used, so that a sweep leaves it; return when it was made.

        Raises:
            UnknownDataset: There is no such dataset.
        """
        try:
            if dataset_id.startswith(PREFIX):
                return self._folder.use(dataset_id.removeprefix(PREFIX))
        except FileNotFoundError:
            pass
        raise UnknownDataset(dataset_id)

    def delete(self, dataset_id: str) -> bool:
        """Remove a dataset; return whether there was one."""
        return self._folder.remove(dataset_id.removeprefix(PREFIX))

    def sweep(
        self,
        *,
        unused_s: float,
        in_use: frozenset[str] = frozenset(),
        dry_run: bool = False,
    ) -> list[str]:
        """Remove datasets that nobody has used for a time; return their ids."""
        digests = frozenset(item.removeprefix(PREFIX) for item in in_use)
        removed = self._folder.sweep(unused_s=unused_s, in_use=digests, dry_run=dry_run)
        return [dataset_id(digest) for digest in removed]

    def reach(self) -> None:
        """Ask whether the bucket answers, if there is one.

        Raises:
            OSError: It does not.
        """
        self._folder.reach()

    def hold(self, dataset_ids: Iterable[str]) -> None:
        """Let no other host's sweep remove what this host alone knows to be needed."""
        self._folder.hold(item.removeprefix(PREFIX) for item in dataset_ids)

    def evict(self) -> int:
        """Remove from this host what a bucket has and nobody here has used lately."""
        return self._folder.evict()

    def has(self, item: str) -> bool:
        """Tell whether there is such a dataset, without reading it."""
        digest = item.removeprefix(PREFIX)
        return item.startswith(PREFIX) and self._folder.has(digest)

    def check(self) -> Iterator[tuple[str, bool]]:
        """Read every dataset; yield its id and whether it is sound."""
        return ((dataset_id(digest), ok) for digest, ok in self._folder.check())

    def _names(self, dataset_id: str) -> bytes | None:
        """Return the document of a table's names; None for an array."""
        return self._folder.beside(dataset_id.removeprefix(PREFIX))

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
