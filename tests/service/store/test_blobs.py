import os
from pathlib import Path

import pytest

from kantor.service.store import BlobStore, UnknownBlob


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path)


def test_bytes_come_back(blobs: BlobStore) -> None:
    assert blobs.get(blobs.put(b"content")) == b"content"


def test_equal_bytes_are_kept_once(blobs: BlobStore, tmp_path: Path) -> None:
    assert blobs.put(b"content") == blobs.put(b"content")
    assert len([p for p in tmp_path.rglob("*") if p.is_file()]) == 1


@pytest.mark.parametrize("digest", ["0" * 64, "../secret", ""])
def test_an_unknown_digest_is_refused(blobs: BlobStore, digest: str) -> None:
    with pytest.raises(UnknownBlob):
        blobs.get(digest)


def test_delete_removes(blobs: BlobStore) -> None:
    digest = blobs.put(b"content")
    assert blobs.delete(digest)
    assert not blobs.delete(digest)


def test_sweep_removes_left_over_temporaries(blobs: BlobStore, tmp_path: Path) -> None:
    blobs.put(b"content")
    orphan = tmp_path / "blobs" / "incoming" / "orphan"
    orphan.touch()
    os.utime(orphan, (1, 1))
    assert blobs.sweep(unused_s=60.0) == []
    assert not orphan.exists()
