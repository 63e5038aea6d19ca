"""Datasets that arrive in batches: numbered, in any order, each as often as needed.

An upload is a folder of npy files, one a batch, named by its index and the digest of
its samples; a batch of a table has its names beside it. Completing the upload joins
them along axis 0 into one dataset.
"""

import contextlib
import hashlib
import json
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from kantor.estimator.errors import InvalidSamples
from kantor.estimator.samples.stacking import check_names
from kantor.estimator.samples.table import Table
from kantor.service.api.errors import (
    BatchConflict,
    FieldError,
    InvalidRequest,
    LimitExceeded,
    UploadNotFound,
    UploadsExceeded,
)
from kantor.service.decoding import Limits, Undecodable
from kantor.service.decoding.npy import FrugalMap
from kantor.service.store import DatasetInfo, DatasetStore, Stored, map_array
from kantor.service.store.names import (
    beside,
    names_beside,
    names_document,
    table_digest,
    table_of_document,
)

LIFE_S = 86_400.0
MOST_UPLOADS = 200
"""Open uploads of one owner, where it is not set otherwise."""

MAX_INDEX = 99_999

_UPLOAD = "upload.json"
_BLOCK_VALUES = 1024 * 1024


@dataclass(frozen=True, order=True)
class Batch:
    """A batch that has arrived: rows (n, dim), and the digest of their bytes."""

    index: int
    n: int
    dim: int
    digest: str

    @property
    def name(self) -> str:
        """Return the name of its file."""
        return f"{self.index:05}-{self.n}-{self.dim}-{self.digest}.npy"

    @classmethod
    def of_path(cls, path: Path) -> "Batch":
        """Read what the file's name says."""
        index, n, dim, digest = path.stem.split("-")
        return cls(int(index), int(n), int(dim), digest)


@dataclass(frozen=True)
class Upload:
    """An open upload; times are seconds since the epoch."""

    id: str
    owner: str
    expires_at: float


class UploadStore:
    """Open uploads in `<data_dir>/uploads`."""

    def __init__(
        self, data_dir: Path, datasets: DatasetStore, *, most: int = MOST_UPLOADS
    ) -> None:
        self._root = data_dir / "uploads"
        self._datasets = datasets
        self._most = most

    def start(self, owner: str) -> Upload:
        """Open an upload.

        Raises:
            UploadsExceeded: The owner has too many open ones.
        """
        self._check_quota(owner)
        upload = Upload(f"up_{secrets.token_hex(16)}", owner, time.time() + LIFE_S)
        folder = self._root / upload.id
        folder.mkdir(parents=True)
        (folder / _UPLOAD).write_text(json.dumps(asdict(upload)), encoding="utf-8")
        return upload

    def _check_quota(self, owner: str) -> None:
        kept = map(_read, self._root.glob("up_*"))
        if sum(u is not None and u.owner == owner for u in kept) >= self._most:
            raise UploadsExceeded(self._most)

    def find(self, owner: str, upload_id: str) -> Upload:
        """Return an owner's open upload.

        Raises:
            UploadNotFound: None of that id, completed, expired, or of another owner.
        """
        upload = _read(self._root / upload_id)
        if upload is None or upload.owner != owner or upload.expires_at < time.time():
            raise UploadNotFound(upload_id)
        return upload

    def batches(self, upload: Upload) -> list[Batch]:
        """Return what has arrived, by index."""
        return sorted(Batch.of_path(p) for p in self._folder(upload).glob("*-*.npy"))

    def add(
        self, upload: Upload, index: int | None, samples: Stored, limits: Limits
    ) -> tuple[Batch, bool]:
        """Keep a batch; return it and whether it is new.

        Without an index it comes after all that have arrived.

        Args:
            upload: Where to.
            index: Its place.
            samples: An array (n, d) or a table; read block by block.
            limits: Of the whole.

        Raises:
            BatchConflict: Other samples came under this index before.
            InvalidSamples: Its dimension or its names are not those of the others.
            LimitExceeded: The whole has become too large.
        """
        others = self.batches(upload)
        self._check_fit(upload, samples, others)
        _check_size(index, samples, others, limits)
        with self._draft(upload) as draft:
            digest = _written(draft, samples)
            if index is None:
                index = self._next_index(upload)
            batch = Batch(index, len(samples), _width(samples), digest)
            if batch in others:
                return batch, False
            if any(other.index == index for other in others):
                raise BatchConflict(f"batch {index} arrived with other samples")
            path = self._folder(upload) / batch.name
            if isinstance(samples, Table):
                beside(path).write_bytes(names_document(samples))
            draft.replace(path)
        return batch, True

    def _check_fit(self, upload: Upload, samples: Stored, others: list[Batch]) -> None:
        """Check that a batch has the columns of those that arrived before it."""
        if not others:
            return
        first = self._open(upload, others[0])
        if isinstance(first, Table) and isinstance(samples, Table):
            check_names(first, samples, "samples")
        elif isinstance(first, Table) or isinstance(samples, Table):
            kinds = [
                "a table" if isinstance(s, Table) else "an array"
                for s in (first, samples)
            ]
            raise InvalidSamples(
                "samples",
                f"expected {kinds[0]} as batch {others[0].index}, got {kinds[1]}",
            )
        elif others[0].dim != _width(samples):
            raise InvalidSamples(
                "samples",
                f"expected dimension {others[0].dim} as in batch {others[0].index}, "
                f"got {_width(samples)}",
            )

    def _open(self, upload: Upload, batch: Batch) -> Stored:
        path = self._folder(upload) / batch.name
        values, names = map_array(path).view(FrugalMap), names_beside(path)
        return values if names is None else table_of_document(names, values)

    @contextmanager
    def _draft(self, upload: Upload) -> Iterator[Path]:
        draft = self._folder(upload) / f"draft{secrets.token_hex(8)}"
        try:
            yield draft
        finally:
            draft.unlink(missing_ok=True)

    def _next_index(self, upload: Upload) -> int:
        """Claim the place after all batches that have arrived or are arriving.

        The claim is a folder, which only one of many processes can make.
        """
        while True:
            claimed = [int(p.name) for p in self._folder(upload).glob("place/*")]
            arrived = [batch.index for batch in self.batches(upload)]
            index = max([-1, *claimed, *arrived]) + 1
            if index > MAX_INDEX:
                raise LimitExceeded(f"expected at most {MAX_INDEX + 1} batches")
            try:
                (self._folder(upload) / "place" / str(index)).mkdir(parents=True)
            except FileExistsError:
                continue
            return index

    def complete(self, upload: Upload) -> DatasetInfo:
        """Join all batches into a dataset and close the upload.

        Raises:
            InvalidRequest: None arrived, or an index is missing.
        """
        batches = self.batches(upload)
        missing = sorted(set(range(len(batches))) - {b.index for b in batches})
        if missing or not batches:
            detail = f"expected batches 0 to {len(batches) - 1}, missing {missing[:10]}"
            raise InvalidRequest(detail if batches else "expected at least one batch")
        info = self._joined([self._open(upload, batch) for batch in batches])
        self.drop(upload)
        return info

    def _joined(self, parts: list[Stored]) -> DatasetInfo:
        tables = [part for part in parts if isinstance(part, Table)]
        if tables:
            return self._datasets.put_tables(tables)
        with self._datasets.writer(_width(parts[0])) as writer:
            for part in parts:
                assert not isinstance(part, Table)
                writer.append(part)
            return self._datasets.info(f"ds_{writer.commit()}")

    def drop(self, upload: Upload) -> None:
        """Close an upload and forget its batches."""
        shutil.rmtree(self._folder(upload), ignore_errors=True)

    def sweep(self) -> None:
        """Drop uploads that have been open for too long."""
        oldest = time.time() - LIFE_S
        for folder in self._root.glob("up_*"):
            with contextlib.suppress(FileNotFoundError):
                if (folder / _UPLOAD).stat().st_mtime < oldest:
                    shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, upload: Upload) -> Path:
        return self._root / upload.id


def _read(folder: Path) -> Upload | None:
    """Return the upload in a folder; None where none is there any more."""
    try:
        text = (folder / _UPLOAD).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return Upload(**json.loads(text))


def _width(samples: Stored) -> int:
    values = samples.values if isinstance(samples, Table) else samples
    return int(values.shape[1])


def _check_size(
    index: int | None, samples: Stored, others: list[Batch], limits: Limits
) -> None:
    """Check the whole, with a batch that may take the place of an equal one."""
    rows = len(samples) + sum(other.n for other in others if other.index != index)
    try:
        limits.check_shape((rows, _width(samples)), np.dtype("<f8").itemsize)
    except Undecodable as error:
        raise LimitExceeded(str(error), FieldError(detail=str(error))) from error


def _written(path: Path, samples: Stored) -> str:
    """Write an npy file of float64, a block at a time; return the digest of it all."""
    values = samples.values if isinstance(samples, Table) else samples
    rows = max(1, _BLOCK_VALUES // values.shape[1])
    digest = hashlib.sha256()
    with path.open("wb") as file:
        shape = (len(values), values.shape[1])
        header = {"descr": "<f8", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(values), rows):
            block = (values[start : start + rows].astype("<f8") + 0.0).tobytes()
            digest.update(block)
            file.write(block)
    if not isinstance(samples, Table):
        return digest.hexdigest()
    return table_digest(digest.hexdigest(), names_document(samples))
