"""Byte strings by their SHA-256 digest: result documents, critics, checkpoints."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from kantor.service.store.bucket import Bucket
from kantor.service.store.folder import Damaged
from kantor.service.store.shared import open_folder


class UnknownBlob(KeyError):
    """Report that no blob has the digest."""


class DamagedBlob(UnknownBlob):
    """Report that a blob was there, and not what its digest says."""


class BlobStore:
    """Blobs in `<data_dir>/blobs`, and in a bucket if there is one."""

    def __init__(self, data_dir: Path, bucket: Bucket | None = None) -> None:
        self._folder = open_folder(data_dir / "blobs", "", bucket)

    def put(self, content: bytes) -> str:
        """Store bytes; return their digest."""
        digest = hashlib.sha256(content).hexdigest()
        with self._folder.temporary() as (file, path):
            file.write(content)
            self._folder.keep(file, path, digest)
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes of a digest.

        Raises:
            UnknownBlob: There is no such blob.
        """
        return self.path(digest).read_bytes()

    def path(self, digest: str) -> Path:
        """Return the file that holds a blob, for streaming it.

        Raises:
            UnknownBlob: There is no such blob.
            DamagedBlob: There was one, and it was damaged.
        """
        try:
            path = self._folder.verified(digest)
        except Damaged as error:
            raise DamagedBlob(digest) from error
        if path is None:
            raise UnknownBlob(digest)
        return path

    def has(self, digest: str) -> bool:
        """Tell whether there is such a blob, without reading it."""
        return self._folder.has(digest)

    def touch(self, digest: str) -> None:
        """Mark a blob as used, so that a sweep leaves it.

        Raises:
            UnknownBlob: There is no such blob.
        """
        self.path(digest)
        self._folder.use(digest)

    def check(self) -> Iterator[tuple[str, bool]]:
        """Read every blob; yield its digest and whether it is sound."""
        return self._folder.check()

    def delete(self, digest: str) -> bool:
        """Remove a blob; return whether there was one."""
        return self._folder.remove(digest)

    def evict(self) -> int:
        """Remove from this host what a bucket has and nobody here has used lately."""
        return self._folder.evict()

    def sweep(
        self,
        *,
        unused_s: float,
        in_use: frozenset[str] = frozenset(),
        dry_run: bool = False,
    ) -> list[str]:
        """Remove blobs that nobody has used for a time; return their digests."""
        return self._folder.sweep(unused_s=unused_s, in_use=in_use, dry_run=dry_run)
