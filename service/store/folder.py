"""A folder of write-once files with two levels of subfolders, written atomically."""

import contextlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

ORPHAN_AGE_S = 3600.0
"""Temporary files older than this belong to a writer that was killed."""

_NAME = re.compile(r"[0-9a-f]{64}")


class Folder:
    """Files named by the 64 hex digits of a SHA-256 digest."""

    def __init__(self, root: Path, suffix: str) -> None:
        self._root = root
        self._suffix = suffix
        self._incoming = root / "incoming"

    def path(self, digest: str) -> Path | None:
        """Return where a digest's file is, or None for what is no digest."""
        if not _NAME.fullmatch(digest):
            return None
        return self._root / digest[:2] / (digest + self._suffix)

    def find(self, digest: str) -> Path | None:
        """Return the file of a digest, or None if there is none."""
        path = self.path(digest)
        return path if path is not None and path.is_file() else None

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
        if final.is_file():
            mark_used(final)
            return final
        file.flush()
        os.fsync(file.fileno())
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(final)
        _sync_folder(final.parent)
        return final

    def remove(self, digest: str) -> bool:
        """Remove a file; return whether there was one."""
        path = self.find(digest)
        if path is None:
            return False
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        return True

    def sweep(self, *, unused_s: float, in_use: frozenset[str]) -> list[str]:
        """Remove what nobody has put or used for a time, and left-over temporaries.

        Args:
            unused_s: Files last put or used longer ago than this are removed.
            in_use: Digests that stay whatever their age.

        Returns:
            The digests removed.
        """
        now = time.time()
        self._sweep_incoming(now)
        removed = []
        for path in self._root.glob(f"[0-9a-f][0-9a-f]/*{self._suffix}"):
            digest = path.name.removesuffix(self._suffix)
            with contextlib.suppress(FileNotFoundError):
                if digest not in in_use and now - last_use(path) > unused_s:
                    path.unlink()
                    removed.append(digest)
        return removed

    def _sweep_incoming(self, now: float) -> None:
        for path in self._incoming.glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if now - path.stat().st_mtime > ORPHAN_AGE_S:
                    path.unlink()


def mark_used(path: Path) -> float:
    """Note a use now, in the access time; return the modification time: the creation.

    Raises:
        FileNotFoundError: The file has been removed.
    """
    made_at = path.stat().st_mtime
    os.utime(path, (time.time(), made_at))
    return made_at


def last_use(path: Path) -> float:
    """Return when a file was last used or made, in seconds since the epoch."""
    status = path.stat()
    return max(status.st_atime, status.st_mtime)


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
