"""A running service for the commands that the documentation shows."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kantor.service.cli.demonstration import running_service
from kantor.service.client import KantorClient


@pytest.fixture(scope="session")
def live_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KantorClient]:
    """Run `kantor serve` with one worker."""
    with running_service(tmp_path_factory.mktemp("live")) as client:
        yield client


@pytest.fixture
def shell(
    live_service: KantorClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Run in an empty folder, where `kantor` finds the service of the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KANTOR_URL", live_service.base_url)
    commands = {"kantor": f"{sys.executable} -m kantor.service.cli"}
    for name, command in (commands | {"python": sys.executable}).items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        path.chmod(0o755)
    found = f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": found}
