"""A https receiver on loopback, with a certificate made for the tests."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver(ThreadingHTTPServer):
    """Keeps what it receives, and replies as told, afterwards with 204."""

    daemon_threads = True

    def __init__(self, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: list[Received] = []
        self.replies: list[Reply] = []
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        self.socket = tls.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server_port}/hook"

    def handle_error(
        self, request: socket.socket | tuple[bytes, socket.socket], address: object
    ) -> None:
        """Say nothing of clients that leave early."""

    def wait(self, number: int = 1) -> list[Received]:
        """Return what was received once it is that many."""
        until = time.monotonic() + 20
        while len(self.received) < number and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.received) >= number
        return self.received


class Handler(BaseHTTPRequestHandler):
    """Takes one POST."""

    server: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.received.append(Received(self.path, headers, body))
        replies = self.server.replies
        (replies.pop(0) if replies else reply(204))(self)

    def log_message(self, *_: object) -> None:
        """Write no log."""


def reply(status: int, **headers: str) -> Reply:
    """Return a reply without a body."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in ({"Content-Length": "0"} | headers).items():
            handler.send_header(name, value)
        handler.end_headers()

    return send


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a certificate for the names the tests use."""
    folder = tmp_path_factory.mktemp("tls")
    names = "subjectAltName=DNS:localhost,DNS:hooks.example,IP:127.0.0.1"
    command = [
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
        *("-keyout", "key.pem", "-out", "certificate.pem", "-subj", "/CN=localhost"),
        *("-addext", names),
        *("-addext", "keyUsage=critical,digitalSignature,keyCertSign"),
    ]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    whole = folder / "both.pem"
    parts = (folder / "key.pem", folder / "certificate.pem")
    whole.write_text("".join(part.read_text() for part in parts))
    return whole


@pytest.fixture
def receiver(certificate: Path) -> Iterator[Receiver]:
    with Receiver(certificate) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def replying() -> Callable[..., Reply]:
    return reply
