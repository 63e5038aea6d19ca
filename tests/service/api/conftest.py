"""A live API over the test Valkey: real sockets, no worker."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx
import numpy as np
import pytest

from kantor.service.api.server import ApiServer, build_server
from kantor.service.api.services import Services
from kantor.service.settings import Settings

Rows = list[list[float]]


Serving = Callable[..., AbstractContextManager[tuple[ApiServer, httpx.Client]]]


@contextmanager
def serve(
    settings: Settings, services: Services | None = None
) -> Iterator[tuple[ApiServer, httpx.Client]]:
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


@pytest.fixture
def api_settings(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"max_body_bytes": 2_000_000, "max_json_bytes": 1_000_000}
    )


@pytest.fixture
def api(api_settings: Settings) -> Iterator[httpx.Client]:
    with serve(api_settings) as (_, client):
        yield client


@pytest.fixture
def serving() -> Serving:
    return serve


@pytest.fixture
def rows() -> Rows:
    samples: Rows = np.random.default_rng(7).normal(size=(50, 2)).tolist()
    return samples
