"""Where an API process keeps what it receives."""

import tempfile
from pathlib import Path

import pytest

from kantor.service.api import server
from kantor.service.settings import Settings


def test_what_is_received_waits_on_the_disk_of_the_store(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form's files would else fill /tmp, which is often memory."""
    places: list[str] = []

    class Stopped:
        def run(self, sockets: object) -> None:
            with tempfile.NamedTemporaryFile() as file:
                places.append(str(Path(file.name).parent))

    monkeypatch.setattr(server, "build_server", lambda settings: Stopped())
    monkeypatch.setattr(server, "configure_logs", lambda *_: None)
    monkeypatch.setattr(tempfile, "tempdir", tempfile.gettempdir())
    server.run_api(settings)
    assert places == [str(settings.data_dir / "incoming")]
