"""The examples of proxies: events pass as they come, bodies up to the limit.

The programs themselves are tried where they are installed; what the files say is
compared with the settings everywhere.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from kantor.service.cli.demonstration import free_port
from kantor.service.logs import configure_audit
from kantor.service.processes.valkey import EmbeddedValkey
from kantor.service.settings import MEBIBYTE, Settings
from tests.service.api.live import serve

FOLDER = Path(__file__).parents[2] / "docker" / "proxy"
NGINX = (FOLDER / "nginx.conf").read_text()
CADDY = (FOLDER / "Caddyfile").read_text()
PROGRAMS = ("nginx", "caddy")
ROWS = [[float(i), 1.0] for i in range(40)]
BODY = {"source": {"samples": ROWS}, "target": {"samples": ROWS}}
SPOOFED = {"X-Forwarded-For": "203.0.113.9"}


def test_bodies_of_the_largest_size_pass_and_are_answered_by_us() -> None:
    largest = Settings().max_body_bytes
    for text, unit in ((NGINX, "m;"), (CADDY, "MiB")):
        allowed = re.search(rf"max_(?:body_)?size (\d+){unit}", text)
        assert allowed is not None
        assert largest < int(allowed[1]) * MEBIBYTE <= largest + 2 * MEBIBYTE


def nginx(folder: Path, port: int, upstream: int) -> list[str]:
    """Write the example with a plain port in place of TLS; return the command."""
    site = NGINX.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    site = site.replace("listen 443 ssl http2", f"listen 127.0.0.1:{port}")
    site = re.sub(r"\n *ssl_.*", "", site).replace(
        "listen 80", f"listen 127.0.0.1:{free_port()}"
    )
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; daemon off; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {paths} {site} }}\n"
    )
    return [
        "nginx",
        "-p",
        str(folder),
        "-c",
        str(folder / "nginx.conf"),
        "-e",
        "stderr",
    ]


def caddy(folder: Path, port: int, upstream: int) -> list[str]:
    config = str(FOLDER / "Caddyfile")
    return ["caddy", "run", "--config", config, "--adapter", "caddyfile"]


@contextmanager
def running(program: str, folder: Path, upstream: int) -> Iterator[httpx.Client]:
    port = free_port()
    write = {"nginx": nginx, "caddy": caddy}[program]
    variables = {
        "KANTOR_SITE": f"http://127.0.0.1:{port}",
        "KANTOR_UPSTREAM": f"127.0.0.1:{upstream}",
        "HOME": str(folder),
    }
    command = write(folder, port, upstream)
    with subprocess.Popen(command, env=os.environ | variables) as process:
        transport = httpx.HTTPTransport(retries=6)
        url = f"http://127.0.0.1:{port}"
        try:
            with httpx.Client(base_url=url, timeout=20, transport=transport) as client:
                yield client
        finally:
            process.terminate()


@pytest.fixture(params=PROGRAMS)
def proxied(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[httpx.Client, Path]]:
    """Run the service behind a proxy; yield a client, and the audit log."""
    if shutil.which(request.param) is None:
        pytest.skip(f"needs {request.param}")
    with EmbeddedValkey(tmp_path / "valkey") as valkey:
        settings = Settings.model_validate(
            {
                "data_dir": tmp_path / "data",
                "redis_url": valkey.url,
                "port": 0,
                "trusted_proxies": ["127.0.0.1"],
            }
        )
        configure_audit(tmp_path / "audit")
        try:
            with serve(settings) as (_, direct):
                upstream = direct.base_url.port
                assert upstream is not None
                with running(request.param, tmp_path, upstream) as client:
                    yield client, tmp_path / "audit"
        finally:
            configure_audit(None)


def sized(size: int) -> Iterator[bytes]:
    """Yield a body in parts, without holding it."""
    for _ in range(size // MEBIBYTE):
        yield bytes(MEBIBYTE)
    yield bytes(size % MEBIBYTE)


def test_events_pass_as_they_come(proxied: tuple[httpx.Client, Path]) -> None:
    client, audit = proxied
    job = client.post("/v1/jobs", json=BODY, headers=SPOOFED).json()
    with client.stream("GET", job["links"]["events"]) as stream:
        lines = stream.iter_lines()
        assert next(lines) == "event: queued"  # while the stream is open
        client.post(job["links"]["cancel"])
        assert "event: cancelled" in list(lines)
    assert '"address": "127.0.0.1"' in audit.read_text()
    assert "203.0.113.9" not in audit.read_text()


def test_a_body_over_the_limit_is_answered_by_us(
    proxied: tuple[httpx.Client, Path],
) -> None:
    client, _ = proxied
    size = Settings().max_body_bytes + 1
    headers = {"Content-Length": str(size), "Content-Type": "application/x-npy"}
    answer: Any = client.post("/v1/datasets", content=sized(size), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
