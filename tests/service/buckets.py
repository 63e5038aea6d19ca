"""A real S3 server, as a process of its own, and two hosts that share its bucket."""

import os
import shutil
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

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


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """Run an S3 server, and yield its URL."""
    program = s3_server()
    if program is None:
        pytest.skip("needs an S3 server: make s3-server")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    endpoint = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            urllib.request.urlopen(f"{endpoint}/moto-api/", timeout=1.0).close()
            break
        except OSError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
    yield endpoint
    process.terminate()
    process.wait()


@pytest.fixture
def bucket_settings(s3_endpoint: str) -> dict[str, Any]:
    """Return the settings of a new bucket."""
    name = f"kantor-{uuid.uuid4().hex[:12]}"
    request = urllib.request.Request(f"{s3_endpoint}/{name}", method="PUT")
    urllib.request.urlopen(request, timeout=10.0).close()
    return {
        "bucket_url": f"s3://{name}/jobs",
        "bucket_endpoint": s3_endpoint,
        "bucket_region": "us-east-1",
        "bucket_access_key": "test",
        "bucket_secret_key": "test",
    }


@pytest.fixture
def new_bucket(bucket_settings: dict[str, Any]) -> Callable[[], Bucket]:
    """Return what connects to the bucket as another process does."""

    def connect() -> Bucket:
        bucket = open_bucket(Settings.model_validate(bucket_settings))
        assert bucket is not None
        return bucket

    return connect
