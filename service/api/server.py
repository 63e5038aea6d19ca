"""Run the application under uvicorn, and stop it within a bounded time."""

import asyncio
import socket

import uvicorn

from kantor.service.api.access import check_exposure
from kantor.service.api.app import create_app
from kantor.service.api.services import build_services
from kantor.service.logs import configure_logs
from kantor.service.queue.broker import MOST_REQUESTS
from kantor.service.settings import Settings

SHUTDOWN_S = 10
"""Longest that open requests may keep the process from ending."""


class ApiServer(uvicorn.Server):
    """A server that tells open event streams when it begins to stop."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End streams, then let the other requests finish."""
        self._closing.set()
        await super().shutdown(sockets)


def build_server(settings: Settings) -> ApiServer:
    """Return a server that is ready to run.

    Raises:
        OpenToAll: It would serve the network without API keys.
    """
    check_exposure(settings)
    services = build_services(settings)
    config = uvicorn.Config(
        create_app(settings, services=services),
        host=settings.host,
        port=settings.port,
        log_config=None,  # the application's own lines say more
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
        timeout_keep_alive=30,
        limit_concurrency=MOST_REQUESTS,
    )
    return ApiServer(config, services.closing)


def run_api(settings: Settings, *, fd: int | None = None) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        settings: `host` and `port` count only without `fd`.
        fd: File descriptor of a listening socket, which other processes may share.
    """
    configure_logs(settings, "api")
    server = build_server(settings)
    server.run(None if fd is None else [socket.socket(fileno=fd)])
