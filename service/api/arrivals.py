"""The batches of one upload that have arrived, in its folder.

Each batch is an npy file that its index and digest name. Beside them stand a link for
each index, which says in one look what arrived there, and a note of how much there is
in all: so that adding a batch costs the same however many there are. Processes take
turns by a lock on the folder. A note that is lost is made again from the files.
"""

import contextlib
import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

ITEM_BYTES = 8
UPLOAD = "upload.json"
"""What is in the folder as long as the upload is open."""

_NOTE = "arrived.json"


@dataclass(frozen=True, order=True)
class Batch:
    """A batch that has arrived: rows (n, dim), and the digest of their bytes."""

    index: int
    n: int
    dim: int
    digest: str

    @property
    def nbytes(self) -> int:
        """Return how many bytes its samples have."""
        return self.n * self.dim * ITEM_BYTES

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
class SoFar:
    """What has arrived in all.

    Attributes:
        rows: Of all batches.
        following: The index after the highest.
        first: File of the batch that came first, which the others have to fit.
        nbytes: Of all batches.
    """

    rows: int = 0
    following: int = 0
    first: str | None = None
    nbytes: int = 0

    def with_batch(self, batch: Batch) -> "SoFar":
        """Return what it is with one batch more."""
        return replace(
            self,
            rows=self.rows + batch.n,
            following=max(self.following, batch.index + 1),
            first=self.first or batch.name,
            nbytes=self.nbytes + batch.n * batch.dim * ITEM_BYTES,
        )


class Arrivals:
    """What has arrived in the folder of one upload."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places = folder / "at"

    def all(self) -> list[Batch]:
        """Return every batch, by index."""
        return sorted(Batch.of_path(p) for p in self._folder.glob("*-*.npy"))

    def nbytes(self) -> int:
        """Return the bytes of all batches."""
        noted = self._noted()
        return 0 if noted is None else noted.nbytes

    @contextmanager
    def locked(self) -> Iterator[SoFar]:
        """Keep other processes and threads out; yield what has arrived so far.

        Raises:
            FileNotFoundError: The upload was completed or dropped.
        """
        with (self._folder / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            (self._folder / UPLOAD).stat()
            noted = self._noted()
            if noted is None or not self._is_sound(noted):
                noted = self._made_again()
            yield noted

    def at(self, index: int) -> Batch | None:
        """Return what was noted under an index; its file may be missing."""
        try:
            return Batch.of_path((self._places / str(index)).readlink())
        except FileNotFoundError:
            return None

    def note(self, so_far: SoFar, batch: Batch) -> None:
        """Note a batch whose file is to follow; only under the lock."""
        self._places.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            (self._places / str(batch.index)).symlink_to(batch.name)
        self._write(so_far.with_batch(batch))

    def _noted(self) -> SoFar | None:
        try:
            return SoFar(**json.loads((self._folder / _NOTE).read_text("utf-8")))
        except (FileNotFoundError, TypeError, ValueError):
            return None

    def _is_sound(self, noted: SoFar) -> bool:
        return noted.first is None or (self._folder / noted.first).exists()

    def _made_again(self) -> SoFar:
        found = SoFar()
        for batch in self.all():
            self.note(found, batch)
            found = found.with_batch(batch)
        return found

    def _write(self, so_far: SoFar) -> None:
        draft = self._folder / f"{_NOTE}.draft"
        draft.write_text(json.dumps(asdict(so_far)), "utf-8")
        draft.replace(self._folder / _NOTE)
