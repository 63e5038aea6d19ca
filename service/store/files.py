"""What is done with single files of a store: use, compare, clear away."""

import contextlib
import hashlib
import os
import shutil
import socket
import time
from pathlib import Path

from kantor.service.store.names import names_beside, table_digest

MARKED_ANEW_NS = 1_000_000_000


def owner_folder(root: Path, owner: str) -> Path:
    """Return the folder of an owner's, whose name says nothing of him."""
    return root / hashlib.sha256(owner.encode()).hexdigest()


def remove_leftovers(folder: Path, *, age_s: float, dry_run: bool = False) -> int:
    """Remove what a process that was killed has left; return how many.

    Args:
        folder: Of temporary files and folders.
        age_s: What has changed since then may still be in use.
        dry_run: Whether to count only.
    """
    removed = 0
    for path in folder.glob("*"):
        with contextlib.suppress(OSError):
            if time.time() - _last_change(path) <= age_s:
                continue
            if not dry_run:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            removed += 1
    return removed


def owned_prefix() -> str:
    """Return how this process begins the names of its temporary folders."""
    return f"{socket.gethostname()}-{os.getpid()}-"


def remove_of_dead(folder: Path, *, dry_run: bool = False) -> int:
    """Remove temporary folders of processes of this machine that are gone.

    Returns:
        How many; with `dry_run` they are counted only.
    """
    host, removed = socket.gethostname(), 0
    for path in folder.glob(f"{host}-*-*"):
        pid = path.name.removeprefix(f"{host}-").partition("-")[0]
        if pid.isdecimal() and not _is_alive(int(pid)):
            if not dry_run:
                shutil.rmtree(path, ignore_errors=True)
            removed += 1
    return removed


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def _last_change(path: Path) -> float:
    inside = path.rglob("*") if path.is_dir() else ()
    return float(max(item.stat().st_mtime for item in (path, *inside)))


def holds(path: Path, digest: str) -> bool:
    """Tell whether a file's content, and names beside it, have the digest.

    Reads all of it.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    names = names_beside(path)
    return (found if names is None else table_digest(found, names)) == digest


def mark_used(path: Path) -> float:
    """Note a use now, in the access time; return the modification time: the creation.

    A use that was noted within the last second is not noted again.

    Raises:
        FileNotFoundError: The file has been removed.
    """
    status, now = path.stat(), time.time_ns()
    if not 0 <= now - status.st_atime_ns < MARKED_ANEW_NS:
        os.utime(path, ns=(now, status.st_mtime_ns))
    return status.st_mtime


def last_use(path: Path) -> float:
    """Return when a file was last used or made, in seconds since the epoch."""
    status = path.stat()
    return max(status.st_atime, status.st_mtime)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
