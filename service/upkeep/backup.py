"""`kantor backup` and `kantor restore`: a data folder, copied while the service runs.

The queue's append-only file is copied first: what it refers to was always stored before
it. The server may not rewrite it meanwhile, since it has several parts; a part that
still grows may be cut off anywhere, which the server repairs when it loads it. Stored
files never change, so those that an earlier backup holds are not copied again.
"""

import contextlib
import fcntl
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import redis

from kantor.service.processes.valkey import EmbeddedValkey
from kantor.service.queue.inspection import mend_all
from kantor.service.settings import Settings
from kantor.service.store.files import holds
from kantor.service.store.names import NAMES, beside
from kantor.service.upkeep.server import running_server

FORMAT = 1
STORES = ("datasets", "blobs")
OTHERS = ("owners", "references", "uploads")
APPEND_ONLY = Path("valkey") / "appendonlydir"
MANIFEST = "backup.json"
REWRITE_S = 600.0
"""How long a rewrite of the append-only file is waited for."""


class BackupImpossible(RuntimeError):
    """Refuse to back up or restore; says what stands in the way."""


@dataclass(frozen=True)
class Copied:
    """What a backup holds, or a restore has brought back.

    Attributes:
        queue: `embedded`, or `external` where the server has to be backed up itself.
        files: Stored files.
        damaged: Names of files that were damaged, and left out.
    """

    queue: str
    files: int
    damaged: list[str]


def back_up(settings: Settings, destination: Path) -> Copied:
    """Copy the queue and the store to a folder.

    Raises:
        BackupImpossible: The destination holds something else, or the queue cannot be
            copied.
        OSError: Something cannot be read or written.
    """
    _check_no_bucket(settings)
    if destination.exists() and any(destination.iterdir()):
        _manifest(destination)
    destination.mkdir(parents=True, exist_ok=True, mode=0o700)
    (destination / MANIFEST).unlink(missing_ok=True)  # until everything is here
    queue = "external"
    if settings.redis_url is None:
        queue = "embedded"
        with running_server(settings) as client, _without_rewrites(client):
            _copy_queue(settings.data_dir, destination)
    copied = _copy_store(settings.data_dir, destination, queue)
    note = asdict(copied) | {
        "format": FORMAT,
        "kantor": version("kantor"),
        "at": time.time(),
    }
    (destination / MANIFEST).write_text(json.dumps(note, indent=2) + "\n")
    return copied


def restore(source: Path, settings: Settings) -> Copied:
    """Bring a backup back into a data folder that is empty.

    Raises:
        BackupImpossible: The source is no whole backup, the folder is in use or not
            empty, or the queue does not load.
    """
    _check_no_bucket(settings)
    manifest = _manifest(source)
    data_dir = settings.data_dir
    if data_dir.exists() and any(p.name != "lock" for p in data_dir.iterdir()):
        raise BackupImpossible(f"expected an empty data folder, received {data_dir}")
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(data_dir):
        if manifest["queue"] == "embedded":
            _copy_queue(source, data_dir)
        copied = _copy_store(source, data_dir, manifest["queue"])
        if manifest["queue"] == "embedded":
            _load_once(settings)
    return copied


def _check_no_bucket(settings: Settings) -> None:
    if settings.bucket_url is not None:
        raise BackupImpossible(
            f"expected a store in a folder, received {settings.bucket_url}: a bucket "
            "is backed up by its own means (versions, replication), the queue first"
        )


def _load_once(settings: Settings) -> None:
    """Start the server once, so that what it cannot load shows now."""
    try:
        with running(settings) as client:
            mend_all(client, settings)
    except RuntimeError as error:
        raise BackupImpossible(f"the queue does not load: {error}") from error


@contextmanager
def running(settings: Settings) -> Iterator[redis.Redis]:
    """Run the embedded server and yield a client."""
    from kantor.service.queue.broker import connect

    with (
        EmbeddedValkey(settings.data_dir / "valkey") as valkey,
        connect(valkey.url) as client,
    ):
        yield client


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise BackupImpossible(f"expected a whole backup in {folder}") from error
    if found.get("format") != FORMAT:
        raise BackupImpossible(
            f"expected a backup of format {FORMAT}, received {found.get('format')}"
        )
    return found


@contextmanager
def _without_rewrites(client: redis.Redis | None) -> Iterator[None]:
    """Keep the server from replacing parts of its append-only file."""
    if client is None:
        yield
        return
    name = "auto-aof-rewrite-percentage"
    before: Any = client.config_get(name)
    client.config_set(name, 0)
    try:
        _await_rewrite(client)
        yield
    finally:
        client.config_set(name, before[name])


def _await_rewrite(client: redis.Redis) -> None:
    deadline = time.monotonic() + REWRITE_S
    while True:
        told: Any = client.info("persistence")
        scheduled = told.get("aof_rewrite_scheduled", 0)
        if not told["aof_rewrite_in_progress"] and not scheduled:
            return
        if time.monotonic() > deadline:
            raise BackupImpossible("the queue's append-only file is being rewritten")
        time.sleep(0.2)


def _copy_queue(source: Path, destination: Path) -> None:
    """Copy the parts of the append-only file, the list of parts last."""
    folder = destination / APPEND_ONLY
    folder.parent.mkdir(exist_ok=True, mode=0o700)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    parts = sorted((source / APPEND_ONLY).glob("*"), key=_is_list)
    for part in parts:
        shutil.copyfile(part, folder / part.name)


def _is_list(path: Path) -> bool:
    return path.suffix == ".manifest"


def _copy_store(source: Path, destination: Path, queue: str) -> Copied:
    files, damaged = 0, []
    for store in STORES:
        for path in sorted((source / store).glob("[0-9a-f][0-9a-f]/*")):
            if path.suffix == NAMES:
                continue  # they go with the table that they belong to
            kept = destination / path.relative_to(source)
            with contextlib.suppress(FileNotFoundError):  # swept in this very moment
                if not _is_kept(path, kept):
                    if not holds(path, path.stem):
                        damaged.append(path.name)
                        continue
                    if beside(path).exists():
                        _copy_whole(beside(path), beside(kept))
                    _copy_whole(path, kept)
                files += 1
    for name in OTHERS:
        _copy_folder(source / name, destination / name)
    with contextlib.suppress(FileNotFoundError):
        shutil.copy2(source / "cursor.key", destination / "cursor.key")
    return Copied(queue, files, damaged)


def _is_kept(path: Path, kept: Path) -> bool:
    """Tell whether an earlier backup has a file; what it never changes is not read."""
    return kept.exists() and kept.stat().st_size == path.stat().st_size


def _copy_whole(path: Path, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_name(f".{kept.name}")
    shutil.copy2(path, draft)
    draft.replace(kept)


def _copy_folder(source: Path, destination: Path) -> None:
    """Copy what changes by the hour; what goes away meanwhile is left out."""
    shutil.rmtree(destination, ignore_errors=True)
    if source.is_dir():
        with contextlib.suppress(shutil.Error):
            shutil.copytree(source, destination)


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    with (data_dir / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupImpossible(
                f"expected a data folder that nobody uses, received {data_dir}"
            ) from error
        yield
