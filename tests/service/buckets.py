"""A real S3 server, as a process of its own, and two hosts that share its bucket."""

import os
import shutil
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kantor.service.processes.tether import tethered
from kantor.service.settings import Settings
from kantor.service.store import Bucket, open_bucket

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0


def s3_server() -> str | None:
    """Return the program of moto's server, which has an environment of its own.

    Its requirements contradict ours, so it is not among them; `make s3-server`.
    """
    own = ROOT / ".venv-s3" / "bin" / "moto_server"
    named = os.environ.get("KANTOR_TEST_S3_SERVER")
    return named or shutil.which("moto_server") or (str(own) if own.exists() else None)


@contextmanager
def serving_s3(program: str, address: str = "127.0.0.1") -> Iterator[str]:
    """Run an S3 server on a free port, and yield its URL."""
    with socket.create_server((address, 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        tethered([program, "-H", address, "-p", str(port)]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    endpoint = f"http://{address}:{port}"
    deadline = time.monotonic() + PATIENCE_S
    try:
        while not _answers(f"{endpoint}/moto-api/"):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield endpoint
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=1.0).close()
    except OSError:
        return False
    return True


def bucket_made(endpoint: str) -> dict[str, Any]:
    """Make a bucket; return the settings of it."""
    name = f"kantor-{uuid.uuid4().hex[:12]}"
    request = urllib.request.Request(f"{endpoint}/{name}", method="PUT")
    urllib.request.urlopen(request, timeout=10.0).close()
    return {
        "bucket_url": f"s3://{name}/jobs",
        "bucket_endpoint": endpoint,
        "bucket_region": "us-east-1",
        "bucket_access_key": "test",
        "bucket_secret_key": "test",
    }


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """Run an S3 server, and yield its URL."""
    program = s3_server()
    if program is None:
        pytest.skip("needs an S3 server: make s3-server")
    with serving_s3(program) as endpoint:
        yield endpoint


@pytest.fixture
def bucket_settings(s3_endpoint: str) -> dict[str, Any]:
    """Return the settings of a new bucket."""
    return bucket_made(s3_endpoint)


@pytest.fixture
def new_bucket(bucket_settings: dict[str, Any]) -> Callable[[], Bucket]:
    """Return what connects to the bucket as another process does."""

    def connect() -> Bucket:
        bucket = open_bucket(Settings.model_validate(bucket_settings))
        assert bucket is not None
        return bucket

    return connect
