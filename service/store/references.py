"""Named references: what later batches are compared with, by name.

A reference is a name of an owner's that stands for a dataset: the newest of its
versions. Each is one small file of versions, from the oldest to the newest. What it has
stood for is kept as long as the reference is.
"""

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from kantor.service.store.files import owner_folder, sync_folder

MOST_VERSIONS = 1000
"""Of very many versions the oldest are forgotten."""


class UnknownReference(KeyError):
    """Report that a name stands for nothing."""


@dataclass(frozen=True)
class Version:
    """A dataset that a name stands for since a time, in seconds since the epoch."""

    dataset: str
    created_at: float


@dataclass(frozen=True)
class Reference:
    """A name and what it has stood for, the newest version last; there is one."""

    name: str
    versions: tuple[Version, ...]

    @property
    def newest(self) -> Version:
        """Return what the name stands for now."""
        return self.versions[-1]


class ReferenceStore:
    """References in `<data_dir>/references`, in a folder for each owner.

    Names are checked by the caller: they are names of files here.
    """

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / "references"

    def put(self, owner: str, name: str, dataset: str) -> Reference:
        """Let a name stand for a dataset from now on.

        The dataset that it stands for already makes no new version.
        """
        with self._locked(owner) as folder:
            path = folder / f"{name}.json"
            versions = _versions(path)
            if not versions or versions[-1].dataset != dataset:
                versions.append(Version(dataset, time.time()))
            reference = Reference(name, tuple(versions[-MOST_VERSIONS:]))
            draft = folder / f".{name}.draft"
            document = [asdict(version) for version in reference.versions]
            draft.write_text(json.dumps(document), encoding="utf-8")
            draft.replace(path)
            sync_folder(folder)
        return reference

    def find(self, owner: str, name: str) -> Reference:
        """Return what a name has stood for.

        Raises:
            UnknownReference: It stands for nothing.
        """
        versions = _versions(self._folder(owner) / f"{name}.json")
        if not versions:
            raise UnknownReference(name)
        return Reference(name, tuple(versions))

    def all(self, owner: str) -> list[Reference]:
        """Return an owner's references, by name."""
        paths = sorted(self._folder(owner).glob("[!.]*.json"))
        found = [(path.stem, _versions(path)) for path in paths]
        return [Reference(name, tuple(kept)) for name, kept in found if kept]

    def forget(self, owner: str, name: str) -> bool:
        """Forget a name and its history; return whether there was one."""
        with self._locked(owner) as folder:
            path = folder / f"{name}.json"
            known = path.exists()
            path.unlink(missing_ok=True)
        return known

    def naming(self, owner: str, dataset: str) -> str | None:
        """Return a name of the owner's that has stood for a dataset, if one has."""
        for reference in self.all(owner):
            if any(version.dataset == dataset for version in reference.versions):
                return reference.name
        return None

    def datasets(self) -> frozenset[str]:
        """Return every dataset that a reference of anybody's has stood for."""
        kept = map(_versions, self._root.glob("*/[!.]*.json"))
        return frozenset(version.dataset for versions in kept for version in versions)

    def _folder(self, owner: str) -> Path:
        return owner_folder(self._root, owner)

    @contextmanager
    def _locked(self, owner: str) -> Iterator[Path]:
        """Keep other processes from writing an owner's references meanwhile."""
        folder = self._folder(owner)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder


def _versions(path: Path) -> list[Version]:
    try:
        return [Version(**item) for item in json.loads(path.read_text("utf-8"))]
    except FileNotFoundError:
        return []
