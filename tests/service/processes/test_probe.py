import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kantor.service.client import KantorClient
from kantor.service.processes import probe
from kantor.service.processes.probe import Unhealthy, ask_workers

DEAD_REDIS = "redis://127.0.0.1:1"


def run(what: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-I", "-S", str(probe.__file__), what],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_api_that_is_ready_is_healthy(live_service: KantorClient) -> None:
    port = urlsplit(live_service.base_url).port
    ended = run("api", KANTOR_HOST="0.0.0.0", KANTOR_PORT=str(port))
    assert (ended.returncode, '"ready"' in ended.stdout) == (0, True)


def test_an_absent_api_is_not() -> None:
    ended = run("api", KANTOR_PORT="1")
    assert ended.returncode == 1
    assert "no answer from 127.0.0.1 port 1" in ended.stderr


def test_workers_are_healthy_while_they_are_heard(tmp_path: Path) -> None:
    file = tmp_path / "heard"
    file.touch()
    variables = {"KANTOR_HEARD_FILE": str(file)}
    assert run("workers", **variables).returncode == 0
    os.utime(file, (0, time.time() - 16))
    assert run("workers", **variables).returncode == 1
    assert run("workers", **variables, KANTOR_LEASE_S="60").returncode == 0


def test_workers_that_were_never_heard_are_not(tmp_path: Path) -> None:
    with pytest.raises(Unhealthy, match="not heard every worker yet"):
        ask_workers(str(tmp_path / "none"), 15.0)
