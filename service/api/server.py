"""Run the application under uvicorn, and stop it within a bounded time."""

import asyncio
import contextlib
import gc
import resource
import socket
import sys
import tempfile
from pathlib import Path

import structlog
import uvicorn
from redis.exceptions import RedisError

from kantor.service.api.access import check_exposure
from kantor.service.api.app import create_app
from kantor.service.api.connections import Patience, connections
from kantor.service.api.door import Door
from kantor.service.api.services import Services, build_services
from kantor.service.logs import configure_audit, configure_logs
from kantor.service.queue.broker import check_server, connect
from kantor.service.settings import Settings
from kantor.service.store.files import remove_of_dead

SHUTDOWN_S = 10
"""Longest that open requests may keep the process from ending."""

COLLECT_AFTER = (50_000, 20, 50)
"""Objects, and rounds, after which Python looks for cycles. By default it does so many
times while a large body is parsed, in which nobody else is answered."""

SWITCH_S = 0.0005
"""After which a busy event loop lets a thread go on, ten times sooner than by default.
A submission goes through several, and where much is asked waits for each of them."""

log = structlog.get_logger("kantor.api")


class ApiServer(uvicorn.Server):
    """A server that watches its connections, and tells streams when it stops."""

    def __init__(
        self, config: uvicorn.Config, closing: asyncio.Event, door: Door
    ) -> None:
        super().__init__(config)
        self._closing = closing
        self._door = door

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and to watch."""
        await super().startup(sockets)
        self._door.watch()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End streams, then let the other requests finish."""
        self._closing.set()
        await super().shutdown(sockets)
        self._door.close()


def build_server(settings: Settings, *, services: Services | None = None) -> ApiServer:
    """Return a server that is ready to run.

    Args:
        settings: Addresses, keys, limits.
        services: What routes work with; by default built from `settings`.

    Raises:
        OpenToAll: It would serve the network without API keys.
    """
    check_exposure(settings)
    services = services or build_services(settings)
    door = Door(
        most=settings.max_connections, most_of_one=settings.max_connections_per_address
    )
    patience = Patience(settings.head_timeout_s, settings.body_timeout_s)
    app = create_app(settings, services=services)
    app.openapi()  # is kept, and takes long: later it would keep callers waiting
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,  # the application's own lines say more
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
        timeout_keep_alive=settings.idle_timeout_s,
        http=connections(door, patience),
        ws="none",
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
    )
    return ApiServer(config, services.closing, door)


def check_broker(settings: Settings) -> None:
    """Look at the server behind the queue, if it answers, before anybody is served.

    Raises:
        BrokerUnsuitable: It is too old to keep jobs safe.
    """
    if settings.redis_url is None:
        return
    try:
        with connect(settings.redis_url.get_secret_value()) as client:
            for advice in check_server(client).warnings:
                log.warning("server_configuration", advice=advice)
    except RedisError as error:  # it may come later; /readyz says so until then
        log.warning("queue_away", error=str(error))


def raise_file_limit() -> None:
    """Let this process open as many files as it may; connections are files."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _receive_in(folder: Path) -> None:
    """Let what is received wait on the disk of the store, and clear what was left.

    The usual place, /tmp, is often memory: a few large forms would fill it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(folder)
    remove_of_dead(folder)


def run_api(settings: Settings, *, fd: int | None = None) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        settings: `host` and `port` count only without `fd`.
        fd: File descriptor of a listening socket, which other processes may share.
    """
    configure_logs(settings, "api")
    configure_audit(settings.audit_file)
    check_broker(settings)
    raise_file_limit()
    gc.set_threshold(*COLLECT_AFTER)
    sys.setswitchinterval(SWITCH_S)
    _receive_in(settings.data_dir / "incoming")
    server = build_server(settings)
    server.run(None if fd is None else [socket.socket(fileno=fd)])
