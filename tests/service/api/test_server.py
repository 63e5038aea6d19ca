"""What an API process does before it serves, and where it keeps what it receives."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from kantor.service.api import server
from kantor.service.settings import Settings

Runs = list[server.ApiServer]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """Servers that would have run, had they not been kept from it."""
    begun: Runs = []

    def run(self: server.ApiServer, sockets: object = None) -> None:
        begun.append(self)

    monkeypatch.setattr(server.ApiServer, "run", run)
    monkeypatch.setattr(server, "configure_logs", lambda *_: None)
    monkeypatch.setattr(tempfile, "tempdir", tempfile.gettempdir())
    before = sys.getswitchinterval()
    yield begun
    sys.setswitchinterval(before)


def test_what_is_received_waits_on_the_disk_of_the_store(
    settings: Settings, runs: Runs
) -> None:
    """A form's files would else fill /tmp, which is often memory."""
    server.run_api(settings)
    assert len(runs) == 1
    with tempfile.NamedTemporaryFile() as file:
        assert Path(file.name).parent == settings.data_dir / "incoming"


def test_the_openapi_document_is_there_before_anybody_asks(
    settings: Settings, runs: Runs
) -> None:
    """To describe every route takes long; meanwhile nobody would be answered."""
    server.run_api(settings)
    app = runs[0].config.app
    assert isinstance(app, FastAPI)
    assert app.openapi_schema is not None


def test_threads_are_let_go_on_soon(settings: Settings, runs: Runs) -> None:
    server.run_api(settings)
    assert sys.getswitchinterval() == pytest.approx(server.SWITCH_S)
