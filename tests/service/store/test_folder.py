import hashlib
import os
import threading
import time
from pathlib import Path

import pytest

from kantor.service.store.files import last_use, mark_used
from kantor.service.store.folder import Folder

DIGEST = hashlib.sha256(b"content").hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, suffix=".npy")


def keep(folder: Folder, content: bytes, digest: str = DIGEST) -> Path:
    with folder.temporary() as (file, path):
        file.write(content)
        return folder.keep(file, path, digest)


def test_a_file_lies_under_its_digest_and_its_draft_is_gone(folder: Folder) -> None:
    path = keep(folder, b"content")
    assert (path, path.read_bytes()) == (folder.find(DIGEST), b"content")
    assert path.parent.name == DIGEST[:2]
    assert list((path.parents[1] / "incoming").iterdir()) == []


def test_a_writer_that_fails_leaves_nothing(folder: Folder, tmp_path: Path) -> None:
    def fail() -> None:
        with folder.temporary() as (file, _):
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
    assert folder.find(DIGEST) is None


@pytest.mark.parametrize("name", ["", "../x", DIGEST[:-1], DIGEST.upper(), "g" * 64])
def test_what_is_no_digest_is_not_there(folder: Folder, name: str) -> None:
    assert folder.path(name) is None
    assert not folder.remove(name)


def test_writers_of_the_same_content_do_not_meet(folder: Folder) -> None:
    writers = [
        threading.Thread(target=keep, args=(folder, b"content")) for _ in range(8)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = folder.find(DIGEST)
    assert found is not None
    assert found.read_bytes() == b"content"


def test_a_use_moves_the_last_use_and_not_the_birth(folder: Folder) -> None:
    path = keep(folder, b"content")
    os.utime(path, (1000.0, 1000.0))
    assert mark_used(path) == 1000.0
    assert path.stat().st_mtime == 1000.0
    assert last_use(path) > 1000.0


def test_a_use_of_the_last_second_is_not_noted_again(folder: Folder) -> None:
    path = keep(folder, b"content")
    for ago_s, noted_again in ((0.3, False), (30.0, True), (-30.0, True)):
        used_at = time.time() - ago_s
        os.utime(path, (used_at, 1000.0))
        mark_used(path)
        assert (abs(last_use(path) - used_at) > 1e-3) is noted_again


def test_a_sweep_leaves_what_is_used_or_needed(folder: Folder) -> None:
    old, needed, fresh = ("ab" + digit * 62 for digit in "123")
    for digest in (old, needed, fresh):
        keep(folder, b"content", digest)
    for digest in (old, needed):
        found = folder.find(digest)
        assert found is not None
        os.utime(found, (1, 1))
    assert folder.sweep(unused_s=60.0, in_use=frozenset({needed})) == [old]
    assert folder.find(old) is None
    assert folder.find(needed)
    assert folder.find(fresh)
