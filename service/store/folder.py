"""A folder of write-once files with two levels of subfolders, written atomically.

A file's name is the digest of what it holds, and disks lose bits: before its content
is used, each file is read once by each process and compared with its name. One that
differs is moved to `damaged/`, so that the same content can be stored again.
"""

import contextlib
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import structlog

from kantor.service.store.files import (
    holds,
    last_use,
    mark_used,
    remove_leftovers,
    sync_folder,
)
from kantor.service.store.names import beside, names_beside

ORPHAN_AGE_S = 3600.0
"""Temporary files older than this belong to a writer that was killed."""

REMEMBERED = 100_000
"""Files that one process knows to be sound."""

_NAME = re.compile(r"[0-9a-f]{64}")
_Version = tuple[int, ...]

log = structlog.get_logger(__name__)


class Damaged(OSError):
    """Report that a file does not hold what its name says; it has been moved away."""


class Folder:
    """Files named by the 64 hex digits of a SHA-256 digest."""

    def __init__(self, root: Path, suffix: str) -> None:
        self._root = root
        self._suffix = suffix
        self._incoming = root / "incoming"
        self._damaged = root / "damaged"
        self._sound: set[_Version] = set()

    def path(self, digest: str) -> Path | None:
        """Return where a digest's file is, or None for what is no digest."""
        if not _NAME.fullmatch(digest):
            return None
        return self._root / digest[:2] / (digest + self._suffix)

    def find(self, digest: str) -> Path | None:
        """Return the file of a digest, or None if there is none."""
        path = self.path(digest)
        return path if path is not None and path.is_file() else None

    def has(self, digest: str) -> bool:
        """Tell whether there is such a file, without reading it."""
        return self.find(digest) is not None

    def use(self, digest: str) -> float:
        """Note a use now; return when the file was made.

        Raises:
            FileNotFoundError: There is no such file.
        """
        path = self.path(digest)
        if path is not None:
            with contextlib.suppress(FileNotFoundError):
                return mark_used(path)
            path = self.find(digest)  # which may have it from elsewhere
        if path is None:
            raise FileNotFoundError(digest)
        return mark_used(path)

    def verified(self, digest: str) -> Path | None:
        """Return the file of a digest whose content is right, or None if there is none.

        Raises:
            Damaged: The content is another; the file has been moved away.
        """
        path = self.find(digest)
        if path is None:
            return None
        try:
            version = _version(path)
            if version not in self._sound:
                if not holds(path, digest):
                    self.set_aside(path)
                    raise Damaged(f"{digest} does not hold what its name says")
                self._remember(version)
        except FileNotFoundError:  # removed in this very moment
            return None
        return path

    def set_aside(self, path: Path) -> None:
        """Move a damaged file away, where that can be done."""
        log.error("file_damaged", file=path.name)
        with contextlib.suppress(OSError):
            self._damaged.mkdir(exist_ok=True)
            path.replace(self._damaged / path.name)

    def all(self) -> Iterator[tuple[str, Path]]:
        """Yield the digest and path of every file."""
        for path in self._root.glob(f"[0-9a-f][0-9a-f]/*{self._suffix}"):
            yield path.name.removesuffix(self._suffix), path

    def check(self) -> Iterator[tuple[str, bool]]:
        """Read every file anew; yield its digest and whether it is sound.

        A damaged one is moved away.
        """
        for digest, path in self.all():
            with contextlib.suppress(FileNotFoundError):
                sound = holds(path, digest)
                if not sound:
                    self.set_aside(path)
                yield digest, sound

    def _remember(self, version: _Version) -> None:
        if len(self._sound) >= REMEMBERED:
            self._sound.clear()
        self._sound.add(version)

    @contextmanager
    def temporary(self) -> Iterator[tuple[BinaryIO, Path]]:
        """Open a temporary file in the same file system; it is gone afterwards."""
        self._incoming.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._incoming)
        path = Path(name)
        try:
            with os.fdopen(handle, "w+b") as file:
                yield file, path
        finally:
            path.unlink(missing_ok=True)

    def keep(self, file: BinaryIO, temporary: Path, digest: str) -> Path:
        """Move a finished temporary file to its name; it is durable on return."""
        final = self.path(digest)
        assert final is not None
        with contextlib.suppress(Damaged):
            if self.verified(digest) is not None:
                mark_used(final)
                return final
        self.move(file, temporary, final)
        return final

    def move(self, file: BinaryIO, temporary: Path, final: Path) -> None:
        """Give a finished temporary file another name; durable on return."""
        file.flush()
        os.fsync(file.fileno())
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(final)
        sync_folder(final.parent)

    def beside(self, digest: str) -> bytes | None:
        """Return the document beside a digest's file, or None if there is none."""
        path = self.path(digest)
        return None if path is None else names_beside(path)

    def keep_beside(self, digest: str, document: bytes) -> None:
        """Keep a document beside a file that is to follow; durable on return."""
        path = self.path(digest)
        assert path is not None
        with self.temporary() as (file, temporary):
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(beside(path))
        sync_folder(path.parent)

    def remove(self, digest: str) -> bool:
        """Remove a file, and what is beside it; return whether there was one."""
        path = self.find(digest)
        if path is None:
            return False
        self._discard(path)
        return True

    def reach(self) -> None:
        """Ask whether what is behind this folder answers; nothing is behind this one.

        Raises:
            OSError: It does not.
        """

    def hold(self, digests: Iterable[str]) -> None:
        """Let no other host's sweep remove files that this host alone knows needed."""

    def evict(self) -> int:
        """Remove copies that can be had again; this folder has none."""
        return 0

    def sweep_leftovers(self, unused_s: float) -> None:
        """Remove temporary files of writers that were killed, and damaged files."""
        remove_leftovers(self._incoming, age_s=ORPHAN_AGE_S)
        remove_leftovers(self._damaged, age_s=unused_s)

    def sweep(
        self, *, unused_s: float, in_use: frozenset[str], dry_run: bool = False
    ) -> list[str]:
        """Remove what nobody has put or used for a time, and left-over temporaries.

        Args:
            unused_s: Files last put or used longer ago than this are removed.
            in_use: Digests that stay whatever their age.
            dry_run: Whether to remove nothing, and only say what would be.

        Returns:
            The digests removed.
        """
        if not dry_run:
            self.sweep_leftovers(unused_s)
        now, removed = time.time(), []
        for digest, path in self.all():
            with contextlib.suppress(FileNotFoundError):
                if digest not in in_use and now - last_use(path) > unused_s:
                    if not dry_run:
                        self._discard(path)
                    removed.append(digest)
        return removed

    def _discard(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        beside(path).unlink(missing_ok=True)


def _version(path: Path) -> _Version:
    """Return what changes whenever content, or names beside it, may have changed."""
    found = _stamp(path)
    with contextlib.suppress(FileNotFoundError):
        found += _stamp(beside(path))
    return found


def _stamp(path: Path) -> _Version:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
