"""A running service for the commands that the documentation shows."""

from collections.abc import Iterator

import pytest

from kantor.service.cli.demonstration import running_service
from kantor.service.client import KantorClient


@pytest.fixture(scope="session")
def live_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KantorClient]:
    """Run `kantor serve` with one worker."""
    with running_service(tmp_path_factory.mktemp("live")) as client:
        yield client
