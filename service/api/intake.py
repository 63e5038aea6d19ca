"""Turn what callers send into stored datasets: check, then keep.

All of it blocks, so routes run it in a thread (`in_thread`), of which only a few work
at a time: that bounds the memory that decoding takes. What is small has lanes of its
own, and owners take turns: nobody's large files keep another's small ones waiting.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, TypeVar

import anyio.to_thread
import numpy as np

from kantor.estimator.config import EstimateConfig
from kantor.estimator.errors import InvalidSamples
from kantor.estimator.samples.pair import MIN_SAMPLES, check_samples, check_weights
from kantor.estimator.samples.sides import check_comparable
from kantor.estimator.samples.table import Table
from kantor.service.api.errors import (
    FilesExceeded,
    InvalidFile,
    InvalidRequest,
    LimitExceeded,
)
from kantor.service.api.lanes import Lanes
from kantor.service.api.streams import Streams
from kantor.service.decoding import Limits, Reading, Undecodable, decode
from kantor.service.formats import FileFormat
from kantor.service.queue import SampleRef
from kantor.service.settings import Settings
from kantor.service.store import DatasetInfo, DatasetStore
from kantor.service.store.files import owned_prefix

Answer = TypeVar("Answer")

BLOCK_BYTES = 1024 * 1024
MOST_CHECKED = 4_000_000
"""Values of two tables that are matched before the job is queued."""

SMALL_BYTES = 1024 * 1024
"""Largest file that counts as small."""

SMALL_VALUES = 100_000
"""Most values that count as few, of samples that were written in JSON."""

_QUICK_LANES = 4
_SMALL_LANES = 4
"""Over all API processes, of which each has two at least."""

_REMEMBERED = 4096

Admit = Callable[[int], None]
"""Checks whether so many bytes may be stored."""

Pairing = tuple[str, str, str]
"""Two datasets and the settings under which they are compared."""


class Size(Enum):
    """How much work a blocking call is, which chooses its lanes."""

    QUICK = "no decoder is started"
    SMALL = "a small file"
    LARGE = "a large file, or many samples"

    @classmethod
    def of_file(cls, path: Path) -> "Size":
        """Return the size of the work of decoding a file."""
        return cls.LARGE if path.stat().st_size > SMALL_BYTES else cls.SMALL

    @classmethod
    def of_rows(cls, rows: list[Any]) -> "Size":
        """Return the size of the work of keeping samples that were written in JSON."""
        width = len(rows[0]) if rows and isinstance(rows[0], list) else 1
        return cls.QUICK if len(rows) * width <= SMALL_VALUES else cls.LARGE


def _pairing(source: SampleRef, target: SampleRef, config: EstimateConfig) -> Pairing:
    return source.dataset, target.dataset, repr(config)


def _any(nbytes: int) -> None:
    """Admit any number of bytes."""


class Intake:
    """Checks received samples and keeps them as datasets."""

    def __init__(self, settings: Settings, datasets: DatasetStore) -> None:
        self._datasets = datasets
        self._described = lru_cache(_REMEMBERED)(self._describe_version)
        self._comparable: set[Pairing] = set()
        self._incoming = settings.data_dir / "incoming"
        few = max(2, _SMALL_LANES // settings.api_processes)
        self._sizes = {
            Size.QUICK: _QUICK_LANES,
            Size.SMALL: few,
            Size.LARGE: settings.own_decoders,
        }
        self._lanes = {
            size: Lanes(lanes, most_of_one=lanes) for size, lanes in self._sizes.items()
        }
        self.adopt(settings)
        self._arriving = Streams(settings.max_files_per_key, FilesExceeded)
        self.limits = Limits(
            max_samples=settings.max_samples,
            max_dim=settings.max_dim,
            max_bytes=settings.max_dataset_bytes,
            memory_bytes=settings.decode_memory_bytes,
            timeout_s=settings.decode_timeout_s,
        )

    async def in_thread(
        self,
        owner: str,
        call: Callable[..., Answer],
        *arguments: Any,
        size: Size = Size.QUICK,
    ) -> Answer:
        """Run a blocking call of an owner's outside the event loop, in his turn."""
        return await self._lanes[size].run(owner, call, *arguments)

    @contextmanager
    def receiving(self, owner: str) -> Iterator[Path]:
        """Lend a folder for the files of one request; they are gone afterwards.

        Raises:
            FilesExceeded: As many requests of the owner's are at that.
        """
        self._arriving.check(owner)
        with self._arriving.opened(owner), self.folder() as folder:
            yield Path(folder)

    def folder(self) -> TemporaryDirectory[str]:
        """Return a folder for received bytes, on the disk of the store."""
        self._incoming.mkdir(parents=True, exist_ok=True)
        return TemporaryDirectory(
            dir=self._incoming, prefix=owned_prefix(), ignore_cleanup_errors=True
        )

    def describe(self, dataset_id: str) -> DatasetInfo:
        """Describe a stored dataset, and mark it as used.

        Raises:
            UnknownDataset: There is no such dataset.
        """
        return self._described(dataset_id, self._datasets.touch(dataset_id))

    def _describe_version(self, dataset_id: str, created_at: float) -> DatasetInfo:
        """Describe content that never changes, unless deleted and stored again."""
        return self._datasets.info(dataset_id)

    def keep_rows(
        self, field: str, rows: list[Any], admit: Admit = _any
    ) -> DatasetInfo:
        """Keep samples that were written in JSON.

        Raises:
            StorageExceeded: As `admit`.
            InvalidSamples: They are no array of finite numbers.
            LimitExceeded: They are too many.
        """
        refuse_booleans(f"{field}/samples", rows)
        array = check_samples(field, rows)
        try:
            self.limits.check_shape(array.shape, array.itemsize)
        except Undecodable as error:
            raise LimitExceeded.at(f"#/{field}", str(error)) from error
        admit(array.nbytes)
        return self._datasets.put_array(array)

    def keep_file(
        self,
        field: str,
        path: Path,
        file_format: FileFormat,
        reading: Reading,
        admit: Admit = _any,
    ) -> DatasetInfo:
        """Keep the samples in a received file.

        Raises:
            StorageExceeded: As `admit`.
            InvalidFile: The bytes are not what the format says, or over a limit.
            InvalidSamples: They are neither a table nor an array of finite numbers.
        """
        try:
            with decode(path, file_format, self.limits, reading) as samples:
                if isinstance(samples, Table):
                    _check_rows(field, samples)
                    admit(samples.values.nbytes)
                    return self._datasets.put_table(samples)
                array = check_samples(field, samples)
                admit(array.nbytes)
                return self._datasets.put_array(array)
        except Undecodable as error:
            place = f"#/{field}" if field else "#"
            raise InvalidFile.at(place, str(error)) from error

    def keep_weights(
        self, field: str, values: list[Any], count: int, admit: Admit = _any
    ) -> DatasetInfo:
        """Keep weights of `count` samples that were written in JSON, as one column.

        Raises:
            InvalidSamples: They are not one number >= 0 for each sample.
        """
        refuse_booleans(field, values)
        check_weights(field, values, count)
        column = np.array(values, dtype=np.float64)[:, None]
        admit(column.nbytes)
        return self._datasets.put_array(column)

    def adopt(self, settings: Settings) -> None:
        """Give owners their shares by the keys of these settings from now on."""
        for size, lanes in self._sizes.items():
            self._lanes[size].most_of_one = settings.share_of(lanes)
        if settings.decoders_per_key is not None:
            self._lanes[Size.LARGE].most_of_one = settings.decoders_per_key

    def is_comparable(
        self, source: SampleRef, target: SampleRef, config: EstimateConfig
    ) -> bool:
        """Tell whether two datasets have passed `check_comparable`.

        What they hold cannot have changed since: an id is a digest of the content.
        """
        return _pairing(source, target, config) in self._comparable

    def check_comparable(
        self, source: SampleRef, target: SampleRef, config: EstimateConfig
    ) -> None:
        """Check that two datasets can be compared, where that costs little.

        Whoever would otherwise wait in the queue for a refusal learns of it now; two
        that are large are checked by the worker alone.

        Raises:
            InvalidSamples: Arrays of different dimension; or tables that do not match,
                hold what has no distance, or lack values.
            InvalidConfig: A setting names a column that is not there.
        """
        infos = [self.describe(side.dataset) for side in (source, target)]
        tables = any(info.columns is not None for info in infos)
        if tables and sum(info.n * info.dim for info in infos) > MOST_CHECKED:
            return
        x, y = (self._datasets.open(info.id) for info in infos)
        check_comparable(x, y, config)
        if len(self._comparable) >= _REMEMBERED:
            self._comparable.clear()
        self._comparable.add(_pairing(source, target, config))

    def check_weights(self, field: str, weights: DatasetInfo, count: int) -> None:
        """Check that a stored dataset can weigh `count` samples.

        Raises:
            InvalidSamples: It is not one column of as many numbers >= 0.
        """
        if weights.dim != 1:
            raise InvalidSamples(
                field, f"expected one column of weights, got {weights.dim}"
            )
        check_weights(field, self._datasets.open_array(weights.id)[:, 0], count)


def _check_rows(field: str, table: Table) -> None:
    """Refuse a table of so few rows that nothing can be estimated.

    Raises:
        InvalidSamples: It is.
    """
    if len(table) < MIN_SAMPLES:
        raise InvalidSamples(
            field, f"expected at least {MIN_SAMPLES} samples, got {len(table)}"
        )


async def save_stream(stream: AsyncIterator[bytes], path: Path) -> None:
    """Write a body to a file as it arrives, with a megabyte at a time in memory."""
    block = bytearray()
    async with await anyio.open_file(path, "wb") as file:
        async for chunk in stream:
            block += chunk
            if len(block) >= BLOCK_BYTES:
                await file.write(bytes(block))
                block.clear()
        await file.write(bytes(block))


def save_file(received: IO[bytes], path: Path) -> None:
    """Copy a part of a form, which may still be in memory, to a file of its own."""
    with path.open("wb") as file:
        while block := received.read(BLOCK_BYTES):
            file.write(block)


def refuse_booleans(place: str, rows: list[Any]) -> None:
    """Refuse true and false, which would silently become 1 and 0."""
    for index, row in enumerate(rows):
        if (
            row is True
            or row is False
            or (type(row) is list and bool in map(type, row))
        ):
            raise InvalidRequest.at(
                f"#/{place}/{index}", "expected numbers, received a boolean"
            )
