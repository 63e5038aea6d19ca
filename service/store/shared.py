"""A folder whose files also lie in a bucket, so that several hosts share them.

The bucket has every file; the folder of each host has those that it has written or
read, as a cache. A file is fetched when it is first looked for, compared with its
digest as any other, and written to the bucket before it counts as kept.

When a file was last used is known by a marker beside it in the bucket, written anew at
most once an hour, since S3 keeps no such time.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from kantor.service.store.bucket import Bucket
from kantor.service.store.files import holds, last_use
from kantor.service.store.folder import Damaged, Folder
from kantor.service.store.names import NAMES, beside

MARK_AGAIN_S = 3600.0
CACHED_S = 86_400.0
"""How long a host keeps a file that it does not use."""


class SharedFolder(Folder):
    """Files named by their digests, in a bucket and cached in a folder."""

    def __init__(self, root: Path, suffix: str, bucket: Bucket) -> None:
        super().__init__(root, suffix)
        self._bucket = bucket
        self._kind = root.name
        self._marked: dict[str, float] = {}

    def find(self, digest: str) -> Path | None:
        """Return the file of a digest, fetched if need be; None if there is none."""
        return super().find(digest) or self._fetch(digest)

    def has(self, digest: str) -> bool:
        """Tell whether there is such a file, here or in the bucket."""
        if super().find(digest) is not None:
            return True
        return self.path(digest) is not None and self._bucket.has(self._name(digest))

    def verified(self, digest: str) -> Path | None:
        """Return the file of a digest whose content is right.

        A copy of this host that is damaged is fetched again, once.

        Raises:
            Damaged: What the bucket has is another content, too; it has been removed.
        """
        try:
            return super().verified(digest)
        except Damaged as error:
            try:
                path = super().verified(digest)
            except Damaged:
                self._bucket.delete(*self._names(digest))
                raise
            if path is None:
                raise error from None
            return path

    def keep(self, file: BinaryIO, temporary: Path, digest: str) -> Path:
        """Move a finished temporary file to its name, here and in the bucket."""
        final = super().keep(file, temporary, digest)
        if not self._bucket.has(self._name(digest)):
            names = beside(final)
            if names.exists():
                self._bucket.put(self._name(digest, NAMES), names)
            self._bucket.put(self._name(digest), final)
        self._mark(digest)
        return final

    def use(self, digest: str) -> float:
        """Note a use now, for every host; return when the file was made."""
        made_at = super().use(digest)
        self._mark(digest)
        return made_at

    def remove(self, digest: str) -> bool:
        """Remove a file from this host and from the bucket."""
        known = self.has(digest)
        path = super().find(digest)
        if path is not None:
            self._discard(path)
        if known:
            self._bucket.delete(*self._names(digest))
        return known

    def check(self) -> Iterator[tuple[str, bool]]:
        """Read every file anew, those of the bucket too."""
        here = {digest for digest, _ in super().all()}
        for digest in sorted(here | set(self._stored())):
            path = self.find(digest)
            if path is None:
                continue
            sound = holds(path, digest)
            if not sound:
                self.set_aside(path)
                self._bucket.delete(*self._names(digest))
            yield digest, sound

    def reach(self) -> None:
        """Ask whether the bucket answers.

        Raises:
            OSError: It does not.
        """
        self._bucket.has(f"{self._marks}reach")

    def hold(self, digests: Iterable[str]) -> None:
        """Mark files as used, without fetching them."""
        for digest in digests:
            self._mark(digest)

    def evict(self) -> int:
        """Remove from this host, not from the bucket, what it has not used lately."""
        evicted, now = 0, time.time()
        for _, path in list(super().all()):
            with contextlib.suppress(FileNotFoundError):
                if now - last_use(path) > CACHED_S:
                    self._discard(path)
                    evicted += 1
        return evicted

    def sweep(
        self, *, unused_s: float, in_use: frozenset[str], dry_run: bool = False
    ) -> list[str]:
        """Remove from the bucket what no host has put or used for a time."""
        if not dry_run:
            self.sweep_leftovers(unused_s)
        marks = {
            name.rpartition("/")[2]: at for name, at in self._bucket.all(self._marks)
        }
        now, removed = time.time(), []
        for digest, at in self._stored().items():
            used_at = max(at, marks.get(digest, 0.0))
            if digest in in_use or now - used_at <= unused_s:
                continue
            used_at = self._bucket.made_at(f"{self._marks}{digest}") or used_at
            if now - used_at > unused_s:  # still: the lists took their time
                if not dry_run:
                    self.remove(digest)
                removed.append(digest)
        return removed

    def _fetch(self, digest: str) -> Path | None:
        final = self.path(digest)
        if final is None:
            return None
        with self.temporary() as (file, temporary):
            made_at = self._bucket.copy_to(self._name(digest), file)
            if made_at is None:
                return None
            names = self._bucket.read(self._name(digest, NAMES))
            if names is not None:
                self.keep_beside(digest, names)
            self.move(file, temporary, final)
        with contextlib.suppress(FileNotFoundError):
            os.utime(final, (time.time(), made_at))
        return final

    def _mark(self, digest: str) -> None:
        now = time.monotonic()
        if now - self._marked.get(digest, -MARK_AGAIN_S) >= MARK_AGAIN_S:
            self._bucket.put(f"{self._marks}{digest}", b"")
            self._marked[digest] = now

    def _stored(self) -> dict[str, float]:
        """Return the digests in the bucket, and when each was written."""
        found = (
            (name.rpartition("/")[2], at)
            for name, at in self._bucket.all(f"{self._kind}/")
        )
        return {
            name.removesuffix(self._suffix): at
            for name, at in found
            if self.path(name.removesuffix(self._suffix)) is not None
        }

    @property
    def _marks(self) -> str:
        return f"{self._kind}-used/"

    def _name(self, digest: str, suffix: str | None = None) -> str:
        ending = self._suffix if suffix is None else suffix
        return f"{self._kind}/{digest[:2]}/{digest}{ending}"

    def _names(self, digest: str) -> tuple[str, ...]:
        """Return the names of all that belongs to a digest; the file goes first."""
        names = self._name(digest, NAMES)
        return self._name(digest), names, f"{self._marks}{digest}"


def open_folder(root: Path, suffix: str, bucket: Bucket | None) -> Folder:
    """Return a folder of this host alone, or one that it shares by a bucket."""
    return (
        Folder(root, suffix) if bucket is None else SharedFolder(root, suffix, bucket)
    )
