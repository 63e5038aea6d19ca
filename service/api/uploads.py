"""Datasets that arrive in batches: numbered, in any order, each as often as needed.

An upload is a folder of npy files, one a batch, named by its index and the digest of
its samples. Completing it joins them along axis 0 into one dataset.
"""

import contextlib
import hashlib
import json
import secrets
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.errors import InvalidSamples
from kantor.service.api.errors import (
    BatchConflict,
    FieldError,
    InvalidRequest,
    LimitExceeded,
    UploadNotFound,
)
from kantor.service.decoding import Limits, Undecodable
from kantor.service.store import DatasetInfo, DatasetStore, map_array

LIFE_S = 86_400.0
MAX_INDEX = 99_999

_UPLOAD = "upload.json"


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

    def __init__(self, data_dir: Path, datasets: DatasetStore) -> None:
        self._root = data_dir / "uploads"
        self._datasets = datasets

    def start(self, owner: str) -> Upload:
        """Open an upload."""
        upload = Upload(f"up_{secrets.token_hex(16)}", owner, time.time() + LIFE_S)
        folder = self._root / upload.id
        folder.mkdir(parents=True)
        (folder / _UPLOAD).write_text(json.dumps(asdict(upload)), encoding="utf-8")
        return upload

    def find(self, owner: str, upload_id: str) -> Upload:
        """Return an owner's open upload.

        Raises:
            UploadNotFound: None of that id, completed, expired, or of another owner.
        """
        try:
            text = (self._root / upload_id / _UPLOAD).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise UploadNotFound(upload_id) from None
        upload = Upload(**json.loads(text))
        if upload.owner != owner or upload.expires_at < time.time():
            raise UploadNotFound(upload_id)
        return upload

    def batches(self, upload: Upload) -> list[Batch]:
        """Return what has arrived, by index."""
        return sorted(Batch.of_path(p) for p in self._folder(upload).glob("*-*.npy"))

    def add(
        self, upload: Upload, index: int | None, samples: NDArray[Any], limits: Limits
    ) -> tuple[Batch, bool]:
        """Keep a batch; return it and whether it is new.

        Without an index it comes after all that have arrived.

        Raises:
            BatchConflict: Other samples came under this index before.
            InvalidSamples: Its dimension is not that of the other batches.
            LimitExceeded: The whole has become too large.
        """
        rows = np.ascontiguousarray(samples, dtype="<f8") + 0.0
        digest = hashlib.sha256(rows.tobytes()).hexdigest()
        if index is None:
            index = self._next_index(upload)
        batch = Batch(index, len(rows), rows.shape[1], digest)
        others = self.batches(upload)
        _check_fit(batch, others, limits)
        if batch in others:
            return batch, False
        draft = self._folder(upload) / f"draft{secrets.token_hex(8)}"
        with draft.open("wb") as file:
            np.save(file, rows)
        draft.replace(self._folder(upload) / batch.name)
        return batch, True

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
        with self._datasets.writer(batches[0].dim) as writer:
            for batch in batches:
                path = self._folder(upload) / batch.name
                writer.append(map_array(path))
            dataset_id = f"ds_{writer.commit()}"
        self.drop(upload)
        return self._datasets.info(dataset_id)

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


def _check_fit(batch: Batch, others: list[Batch], limits: Limits) -> None:
    """Check a batch against what has arrived before it."""
    for other in others:
        if other.index == batch.index and other != batch:
            raise BatchConflict(f"batch {batch.index} arrived with other samples")
        if other.dim != batch.dim:
            raise InvalidSamples(
                "samples",
                f"expected dimension {other.dim} as in batch {other.index}, "
                f"got {batch.dim}",
            )
    rows = sum({other.index: other.n for other in [*others, batch]}.values())
    try:
        limits.check_shape((rows, batch.dim), np.dtype("<f8").itemsize)
    except Undecodable as error:
        raise LimitExceeded(str(error), FieldError(detail=str(error))) from error
