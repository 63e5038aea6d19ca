"""`kantor serve`: the embedded Valkey, the API and the workers, kept running as one.

`kantor api` runs through here as well where the API has several processes, and
`kantor workers` always.

Each is a process of its own, tethered to this one. A child that ends is started again,
later and later while it keeps ending. On SIGINT or SIGTERM the workers give their jobs
back and the API closes its streams, then Valkey writes what it holds.
"""

import contextlib
import fcntl
import os
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

from kantor.service.logs import configure_logs
from kantor.service.processes.children import Child, end_all
from kantor.service.processes.valkey import EmbeddedValkey, FolderTaken
from kantor.service.processes.workers import WorkerChild, note_heard, worker_children
from kantor.service.settings import Settings, environment

TICK_S = 0.2
STARTS_BEFORE_READY = 3
STOP_MARGIN_S = 5.0
BACKLOG = 2048

log = structlog.get_logger(__name__)


class DataDirTaken(RuntimeError):
    """Refuse a data folder that another service is using."""


class StartFailed(RuntimeError):
    """Report that a part of the service ends whenever it is started."""


def serve(settings: Settings, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Run the whole service until SIGINT or SIGTERM.

    Args:
        settings: Of every process; without `redis_url` a Valkey is started.
        on_ready: Called once with the service's URL, when it takes jobs.

    Raises:
        DataDirTaken: Another service uses the data folder.
        StartFailed: The API or a worker cannot be started.
        ValkeyUnavailable: The embedded Valkey cannot be started.
    """
    stopping = threading.Event()
    with (
        _signals_set(stopping),
        _own(settings.data_dir),
        listen(settings) as listener,
        contextlib.ExitStack() as stack,
    ):
        configure_logs(settings, "supervisor")
        valkey = None
        if settings.redis_url is None:
            valkey = stack.enter_context(
                EmbeddedValkey(
                    settings.data_dir / "valkey",
                    memory_bytes=settings.valkey_memory_bytes,
                )
            )
        resolved = _resolve(settings, valkey)
        children = [*api_children(resolved, listener), *worker_children(resolved)]
        stack.callback(end_all, children, settings.drain_s + STOP_MARGIN_S)
        stack.callback(listener.close)  # first of all: no new connection waits for us
        ready = Readiness(_url(settings, listener), "/readyz", on_ready)
        _supervise(children, valkey, ready, stopping)


def serve_api(settings: Settings) -> None:
    """Run the API alone, as `api_processes` processes, until SIGINT or SIGTERM.

    Raises:
        StartFailed: The API cannot be started.
    """
    stopping = threading.Event()
    with (
        _signals_set(stopping),
        listen(settings) as listener,
        contextlib.ExitStack() as stack,
    ):
        configure_logs(settings, "supervisor")
        children = api_children(settings, listener)
        stack.callback(end_all, children, settings.drain_s + STOP_MARGIN_S)
        stack.callback(listener.close)
        ready = Readiness(_url(settings, listener), "/healthz")
        _supervise(children, None, ready, stopping)


def serve_workers(settings: Settings) -> None:
    """Run the workers of this host alone, until SIGINT or SIGTERM.

    Raises:
        StartFailed: None of them can be started.
    """
    stopping = threading.Event()
    with _signals_set(stopping), contextlib.ExitStack() as stack:
        configure_logs(settings, "supervisor")
        children = worker_children(settings)
        stack.callback(end_all, children, settings.drain_s + STOP_MARGIN_S)
        _supervise(children, None, WorkersReady(children, settings), stopping)


def listen(settings: Settings) -> socket.socket:
    """Return the socket on which all API processes accept.

    It belongs to the supervisor: while one of them is started again, the others answer,
    and a connection that comes when none is there waits instead of being refused.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    address = (settings.host, settings.port)
    return socket.create_server(address, family=family, backlog=BACKLOG)


def api_children(settings: Settings, listener: socket.socket) -> list[Child]:
    """Return the API processes, which share a listening socket."""
    variables = environment(settings)
    fd = listener.fileno()
    return [
        Child("api", variables, options=["--fd", str(fd)], shared=[fd])
        for _ in range(settings.api_processes)
    ]


class Readiness:
    """Whether the service has answered a probe; once it has, that is not asked again.

    Attributes:
        reached: Whether it has.
    """

    def __init__(
        self, url: str, probe: str, on_ready: Callable[[str], None] | None = None
    ) -> None:
        self.reached = False
        self._url = url
        self._probe = probe
        self._on_ready = on_ready

    def ask(self) -> None:
        """Ask, and tell `on_ready` the first time that the answer is yes."""
        if self.reached or not _answers(self._url + self._probe):
            return
        self.reached = True
        log.info("service_ready", url=self._url)
        if self._on_ready is not None:
            self._on_ready(self._url)


class WorkersReady:
    """Whether any worker has taken jobs; notes, as long as it is asked, who is heard.

    One GPU of several that is lost ends its own worker again and again, and no other.

    Attributes:
        reached: Whether one has.
    """

    def __init__(self, workers: list[WorkerChild], settings: Settings) -> None:
        self.reached = False
        self._workers = workers
        self._file = settings.heard_file
        self._lease_s = settings.lease_s

    def ask(self) -> None:
        """Look at the workers' pages."""
        self.reached = self.reached or any(w.is_ready for w in self._workers)
        note_heard(self._workers, self._file, self._lease_s)


def _supervise(
    children: Sequence[Child],
    valkey: EmbeddedValkey | None,
    ready: Readiness | WorkersReady,
    stopping: threading.Event,
) -> None:
    while not stopping.is_set():
        if valkey is not None and not valkey.is_running():
            log.error("valkey_ended")
            with contextlib.suppress(FolderTaken):  # a copy of it writes still
                valkey.start()
        for child in children:
            child.keep_running()
            if not ready.reached and child.failures >= STARTS_BEFORE_READY:
                raise StartFailed(f"the {child.name} process ends when it is started")
        ready.ask()
        stopping.wait(TICK_S)


def _resolve(settings: Settings, valkey: EmbeddedValkey | None) -> Settings:
    """Fill in what is only known now: the server, absolute folders."""
    values: dict[str, Any] = {name: getattr(settings, name) for name in _set(settings)}
    values["data_dir"] = settings.data_dir.resolve()
    if valkey is not None:
        values["redis_url"] = valkey.url
    return Settings.model_validate(values)


def _set(settings: Settings) -> set[str]:
    return settings.model_fields_set


def _url(settings: Settings, listener: socket.socket) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    return f"http://{host}:{listener.getsockname()[1]}"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1.0) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


@contextmanager
def _own(data_dir: Path) -> Iterator[None]:
    """Hold the lock of a data folder, which the kernel releases with the process."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data_dir / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise DataDirTaken(
                f"expected a data folder of its own, received {data_dir}, "
                f"which process {file.read().strip() or 'unknown'} uses"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def _signals_set(stopping: threading.Event) -> Iterator[None]:
    """Let SIGINT and SIGTERM set the event while the block runs."""

    def stop(number: int, _: object) -> None:
        log.info("service_stopping", signal=signal.Signals(number).name)
        stopping.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
