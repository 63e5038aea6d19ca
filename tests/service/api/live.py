"""Run an API in a thread of this process: real sockets, no worker."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from kantor.service.api.server import ApiServer, build_server
from kantor.service.api.services import Services
from kantor.service.settings import Settings


@contextmanager
def serve(
    settings: Settings, services: Services | None = None
) -> Iterator[tuple[ApiServer, httpx.Client]]:
    """Serve for as long as the block runs; yield the server, and a client of it."""
    server = build_server(settings, services=services)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while thread.is_alive() and not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            yield server, client
    finally:
        server.should_exit = True
        thread.join()
