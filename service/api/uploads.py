"""Datasets that arrive in batches: numbered, in any order, each as often as needed.

An upload is a folder of npy files, one a batch (`arrivals`); a batch of a table has its
names beside it. Completing the upload joins them along axis 0 into one dataset. What an
upload has become is remembered for a day, so that completing it can be repeated.
"""

import contextlib
import hashlib
import json
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from kantor.estimator.errors import InvalidSamples
from kantor.estimator.samples.pair import MIN_SAMPLES
from kantor.estimator.samples.stacking import check_names
from kantor.estimator.samples.table import Table
from kantor.service.api.arrivals import (
    ITEM_BYTES,
    UPLOAD,
    Arrivals,
    Batch,
    SoFar,
)
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
from kantor.service.store.files import owner_folder
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

MOST_REMEMBERED = 1000
"""Completed uploads of one owner, for those who ask again."""

MAX_INDEX = 99_999

_BLOCK_VALUES = 1024 * 1024


@dataclass(frozen=True)
class Upload:
    """An open upload; times are seconds since the epoch."""

    id: str
    owner: str
    expires_at: float


class UploadStore:
    """Uploads in `<data_dir>/uploads`: open ones, and what others have become."""

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
        if len(self._open_of(owner)) >= self._most:
            raise UploadsExceeded(self._most)
        upload = Upload(f"up_{secrets.token_hex(16)}", owner, time.time() + LIFE_S)
        folder = self._folder(upload)
        folder.mkdir(parents=True)
        (folder / UPLOAD).write_text(json.dumps(asdict(upload)), encoding="utf-8")
        return upload

    def find(self, owner: str, upload_id: str) -> Upload:
        """Return an owner's open upload.

        Raises:
            UploadNotFound: None of that id, completed, expired, or of another owner.
        """
        upload = _read(self._root / upload_id)
        if upload is None or upload.owner != owner or upload.expires_at < time.time():
            raise UploadNotFound(upload_id)
        return upload

    def outcome(self, owner: str, upload_id: str) -> str | None:
        """Return the dataset that an owner's upload became; None if it is not known."""
        try:
            return (self._outcomes(owner) / upload_id).read_text(encoding="ascii")
        except FileNotFoundError:
            return None

    def held(self, owner: str) -> int:
        """Return the bytes of an owner's open uploads."""
        return sum(self._arrivals(u).nbytes() for u in self._open_of(owner))

    def batches(self, upload: Upload) -> list[Batch]:
        """Return what has arrived, by index."""
        return self._arrivals(upload).all()

    def add(
        self,
        upload: Upload,
        index: int | None,
        samples: Stored,
        limits: Limits,
        take: Callable[[int], None] = lambda nbytes: None,
    ) -> tuple[Batch, bool]:
        """Keep a batch; return it and whether it is new.

        Without an index it comes after all that have arrived.

        Args:
            upload: Where to.
            index: Its place.
            samples: An array (n, d) or a table; read block by block.
            limits: Of the whole.
            take: Takes room for so many bytes, or refuses.

        Raises:
            BatchConflict: Other samples came under this index before.
            InvalidSamples: Its dimension or its names are not those of the others.
            LimitExceeded: The whole has become too large.
            UploadNotFound: The upload was completed or dropped meanwhile.
        """
        _check_size(len(samples), samples, limits)  # before anything is written
        take(len(samples) * _width(samples) * ITEM_BYTES)
        arrivals = self._arrivals(upload)
        try:
            with self._draft(upload) as draft:
                digest = _written(draft, samples)
                with arrivals.locked() as so_far:
                    self._check_fit(upload, samples, so_far.first)
                    place = _next_place(so_far, arrivals) if index is None else index
                    batch = Batch(place, len(samples), _width(samples), digest)
                    is_new = self._is_new(upload, batch)
                    if is_new:
                        _check_size(so_far.rows + batch.n, samples, limits)
                        self._keep(upload, so_far, batch, samples, draft)
        except FileNotFoundError as error:
            raise UploadNotFound(upload.id) from error
        return batch, is_new

    def complete(self, upload: Upload) -> DatasetInfo:
        """Join all batches into a dataset and close the upload.

        Raises:
            InvalidRequest: None arrived, or an index is missing.
            UploadNotFound: It was completed or dropped meanwhile.
        """
        try:
            with self._arrivals(upload).locked():
                batches = self.batches(upload)
                _check_whole(batches)
                info = self._joined([self._open(upload, b.name) for b in batches])
                self._remember(upload, info.id)
                self.drop(upload)
        except FileNotFoundError as error:
            raise UploadNotFound(upload.id) from error
        return info

    def drop(self, upload: Upload) -> None:
        """Close an upload and forget its batches."""
        (self._folder(upload) / UPLOAD).unlink(missing_ok=True)
        shutil.rmtree(self._folder(upload), ignore_errors=True)

    def sweep(self) -> None:
        """Drop uploads that have been open for too long, and forget old outcomes."""
        oldest = time.time() - LIFE_S
        for folder in self._root.glob("up_*"):
            with contextlib.suppress(FileNotFoundError):
                marker = folder / UPLOAD
                since = marker if marker.exists() else folder  # half dropped
                if since.stat().st_mtime < oldest:
                    shutil.rmtree(folder, ignore_errors=True)
        for outcome in self._root.glob("completed/*/up_*"):
            with contextlib.suppress(FileNotFoundError):
                if outcome.stat().st_mtime < oldest:
                    outcome.unlink()

    def _is_new(self, upload: Upload, batch: Batch) -> bool:
        """Tell whether a batch has not arrived before.

        Raises:
            BatchConflict: Another one has, under the same index.
        """
        earlier = self._arrivals(upload).at(batch.index)
        if earlier is not None and earlier != batch:
            raise BatchConflict(f"batch {batch.index} arrived with other samples")
        return earlier is None or not (self._folder(upload) / batch.name).exists()

    def _keep(
        self, upload: Upload, so_far: SoFar, batch: Batch, samples: Stored, draft: Path
    ) -> None:
        arrivals = self._arrivals(upload)
        if arrivals.at(batch.index) is None:  # else a killed process has noted it
            arrivals.note(so_far, batch)
        path = self._folder(upload) / batch.name
        if isinstance(samples, Table):
            beside(path).write_bytes(names_document(samples))
        draft.replace(path)

    def _check_fit(self, upload: Upload, samples: Stored, first: str | None) -> None:
        """Check that a batch has the columns of the one that arrived first."""
        if first is None:
            return
        before, index = self._open(upload, first), Batch.of_path(Path(first)).index
        if isinstance(before, Table) and isinstance(samples, Table):
            check_names(before, samples, "samples")
        elif isinstance(before, Table) or isinstance(samples, Table):
            kinds = [
                "a table" if isinstance(s, Table) else "an array"
                for s in (before, samples)
            ]
            raise InvalidSamples(
                "samples", f"expected {kinds[0]} as batch {index}, got {kinds[1]}"
            )
        elif _width(before) != _width(samples):
            raise InvalidSamples(
                "samples",
                f"expected dimension {_width(before)} as in batch {index}, "
                f"got {_width(samples)}",
            )

    def _open(self, upload: Upload, name: str) -> Stored:
        path = self._folder(upload) / name
        values, names = map_array(path).view(FrugalMap), names_beside(path)
        return values if names is None else table_of_document(names, values)

    @contextmanager
    def _draft(self, upload: Upload) -> Iterator[Path]:
        draft = self._folder(upload) / f"draft{secrets.token_hex(8)}"
        try:
            yield draft
        finally:
            draft.unlink(missing_ok=True)

    def _joined(self, parts: list[Stored]) -> DatasetInfo:
        tables = [part for part in parts if isinstance(part, Table)]
        if tables:
            return self._datasets.put_tables(tables)
        with self._datasets.writer(_width(parts[0])) as writer:
            for part in parts:
                assert not isinstance(part, Table)
                writer.append(part)
            return self._datasets.info(f"ds_{writer.commit()}")

    def _remember(self, upload: Upload, dataset_id: str) -> None:
        """Keep what an upload has become, and of its owner only the newest."""
        folder = self._outcomes(upload.owner)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / upload.id).write_text(dataset_id, encoding="ascii")
        kept = list(folder.iterdir())
        if len(kept) > MOST_REMEMBERED:
            min(kept, key=_age).unlink(missing_ok=True)

    def _open_of(self, owner: str) -> list[Upload]:
        found = map(_read, self._root.glob("up_*"))
        return [u for u in found if u is not None and u.owner == owner]

    def _outcomes(self, owner: str) -> Path:
        return owner_folder(self._root / "completed", owner)

    def _arrivals(self, upload: Upload) -> Arrivals:
        return Arrivals(self._folder(upload))

    def _folder(self, upload: Upload) -> Path:
        return self._root / upload.id


def _read(folder: Path) -> Upload | None:
    """Return the upload in a folder; None where none is there any more."""
    try:
        text = (folder / UPLOAD).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return Upload(**json.loads(text))


def _width(samples: Stored) -> int:
    values = samples.values if isinstance(samples, Table) else samples
    return int(values.shape[1])


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _next_place(so_far: SoFar, arrivals: Arrivals) -> int:
    """Return the place after all batches that have arrived.

    Raises:
        LimitExceeded: There are as many as there may be.
    """
    place = so_far.following
    while arrivals.at(place) is not None:  # noted by a process that was killed
        place += 1
    if place > MAX_INDEX:
        raise LimitExceeded(f"expected at most {MAX_INDEX + 1} batches")
    return place


def _check_whole(batches: list[Batch]) -> None:
    """Check that batches are there, and none is missing between them.

    Raises:
        InvalidRequest: Otherwise, or they have too few rows.
    """
    missing = sorted(set(range(len(batches))) - {b.index for b in batches})
    if missing or not batches:
        detail = f"expected batches 0 to {len(batches) - 1}, missing {missing[:10]}"
        raise InvalidRequest(detail if batches else "expected at least one batch")
    rows = sum(batch.n for batch in batches)
    if rows < MIN_SAMPLES:
        raise InvalidRequest(
            f"expected at least {MIN_SAMPLES} samples, received {rows}"
        )


def _check_size(rows: int, samples: Stored, limits: Limits) -> None:
    """Check so many rows of the width of a batch."""
    try:
        limits.check_shape((rows, _width(samples)), ITEM_BYTES)
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
