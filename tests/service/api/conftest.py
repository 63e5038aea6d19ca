"""A live API over the test Valkey: real sockets, no worker."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx
import numpy as np
import pytest

from kantor.service.api.server import ApiServer
from kantor.service.settings import Settings
from tests.service.api.live import serve

Rows = list[list[float]]


Serving = Callable[..., AbstractContextManager[tuple[ApiServer, httpx.Client]]]


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
