"""One attempt against a real https server, and everything a hostile one may try."""

import asyncio
import socket
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest

from kantor.service.api.webhooks.destinations import Address, Refused
from kantor.service.api.webhooks.sending import Answer, Sender
from kantor.service.settings import Settings

LOOPBACK = ip_address("127.0.0.1")
Resolve = Callable[[str], list[str]]


class Attempts:
    """Sends to the receiver with a resolver of the test's own."""

    def __init__(self, receiver: Any, certificate: Path) -> None:
        self.port = receiver.server_port
        self.tls = httpx.create_ssl_context(trust_env=False)
        self.tls.load_verify_locations(certificate)
        self.looked_up: list[str] = []

    def send(self, host: str = "hooks.example", *answers: str) -> Answer:
        """Send to a host that resolves to the given addresses, first to last."""

        async def resolve(name: str, port: int) -> list[Address]:
            self.looked_up.append(name)
            return [ip_address(text) for text in answers or ("127.0.0.1",)]

        sender = Sender(
            ports=[self.port],
            is_allowed=lambda address: address == LOOPBACK,
            tls=self.tls,
            resolve=resolve,
            attempt_s=0.8,
        )
        url = f"https://{host}:{self.port}/hook?a=b"
        return asyncio.run(sender.send(url, {"webhook-id": "msg_1"}, b"{}"))


@pytest.fixture
def attempts(receiver: Any, certificate: Path) -> Attempts:
    return Attempts(receiver, certificate)


def test_a_notification_arrives_under_the_name_of_the_host(
    attempts: Attempts, receiver: Any
) -> None:
    answer = attempts.send("hooks.example")
    [received] = receiver.received
    assert (answer.status, answer.is_success) == (204, True)
    assert (received.path, received.body) == ("/hook?a=b", b"{}")
    assert received.headers["host"] == f"hooks.example:{attempts.port}"
    assert received.headers["webhook-id"] == "msg_1"
    assert received.headers["content-type"] == "application/json"


def test_a_host_may_be_an_address(attempts: Attempts, receiver: Any) -> None:
    assert attempts.send("127.0.0.1").is_success
    assert receiver.received[0].headers["host"] == f"127.0.0.1:{attempts.port}"


def test_a_host_is_looked_up_once_and_connected_to_as_checked(
    attempts: Attempts, receiver: Any
) -> None:
    # No name server knows hooks.example: a second lookup could not lead here.
    attempts.send("hooks.example")
    assert attempts.looked_up == ["hooks.example"]
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        ["127.0.0.1", "10.0.0.1"],
        ["127.0.0.1", "::1"],
        ["::ffff:127.0.0.1"],
    ],
)
def test_one_address_that_is_not_allowed_is_too_many(
    attempts: Attempts, receiver: Any, addresses: list[str]
) -> None:
    answer = attempts.send("hooks.example", *addresses)
    assert answer == Answer(
        error="expected a host with public addresses only", is_final=True
    )
    assert receiver.received == []


def test_the_certificate_has_to_be_that_of_the_host(
    attempts: Attempts, receiver: Any
) -> None:
    answer = attempts.send("other.example")
    assert "other.example" in (answer.error or "")
    assert not answer.is_final
    assert receiver.received == []


def test_a_certificate_of_nobody_known_is_refused(
    receiver: Any, tmp_path: Path
) -> None:
    settings = Settings.model_validate(
        {"webhook_allow_private": True, "webhook_ports": [receiver.server_port]}
    )
    answer = asyncio.run(Sender.from_settings(settings).send(receiver.url, {}, b"{}"))
    assert "CERTIFICATE_VERIFY_FAILED" in (answer.error or "")


def test_the_operators_certificates_are_trusted(
    receiver: Any, certificate: Path
) -> None:
    settings = Settings.model_validate(
        {
            "webhook_allow_private": True,
            "webhook_ports": [receiver.server_port],
            "webhook_ca_file": certificate,
        }
    )
    answer = asyncio.run(Sender.from_settings(settings).send(receiver.url, {}, b"{}"))
    assert answer == Answer(status=204)


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_without_certificates_is_named(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"expected KANTOR_WEBHOOK_CA_FILE.*ca\.pem"):
        Sender.from_settings(Settings.model_validate({"webhook_ca_file": path}))


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://[::1]/"])
def test_private_addresses_are_refused_unless_set(url: str) -> None:
    with pytest.raises(Refused, match="public addresses only"):
        Sender.from_settings(Settings()).check(url)


def test_a_name_of_this_machine_is_refused_when_it_is_resolved() -> None:
    sender = Sender.from_settings(Settings())
    answer = asyncio.run(sender.send("https://localhost/", {}, b"{}"))
    assert answer.error == "expected a host with public addresses only"


def test_a_redirect_is_not_followed(
    attempts: Attempts, receiver: Any, replying: Any
) -> None:
    there = f"https://hooks.example:{attempts.port}/elsewhere"
    receiver.replies = [replying(307, Location=there)]
    answer = attempts.send()
    assert (answer.status, answer.is_success, answer.is_final) == (307, False, False)
    assert len(receiver.received) == 1


def test_a_proxy_of_the_environment_is_not_used(
    attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "ALL_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    assert attempts.send().is_success


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Send a header line that goes on and on."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(200):
        time.sleep(0.05)
        handler.wfile.write(b"x")


def flood(handler: BaseHTTPRequestHandler) -> None:
    """Send a body of ten gigabytes, or as much of it as is taken."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(10**10))
    handler.end_headers()
    for _ in range(10_000):
        handler.wfile.write(bytes(10**6))


def endless_headers(handler: BaseHTTPRequestHandler) -> None:
    """Send header lines until nobody takes them."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"X-More: " + b"x" * 1000 + b"\r\n")


def silence(handler: BaseHTTPRequestHandler) -> None:
    """Say nothing."""
    time.sleep(3)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


def babble(handler: BaseHTTPRequestHandler) -> None:
    """Send what is not HTTP."""
    handler.wfile.write(b"\x00\xff nonsense\r\n\r\n")
    handler.close_connection = True


def test_a_large_answer_is_not_read(attempts: Attempts, receiver: Any) -> None:
    receiver.replies = [flood]
    began = time.monotonic()
    assert attempts.send().is_success
    assert time.monotonic() - began < 0.8


@pytest.mark.parametrize("trick", [drip, silence])
def test_a_slow_answer_is_not_waited_for(
    attempts: Attempts, receiver: Any, trick: Any
) -> None:
    receiver.replies = [trick]
    assert attempts.send().error == "no answer within 0.8 s"


@pytest.mark.parametrize("trick", [endless_headers, hang_up, babble])
def test_a_broken_answer_is_an_error(
    attempts: Attempts, receiver: Any, trick: Any
) -> None:
    receiver.replies = [trick]
    answer = attempts.send()
    assert answer.error
    assert answer.status is None


@pytest.mark.parametrize(
    ("status", "is_final"), [(400, False), (410, True), (500, False), (503, False)]
)
def test_only_gone_is_an_answer_for_good(
    attempts: Attempts, receiver: Any, replying: Any, status: int, is_final: bool
) -> None:
    receiver.replies = [replying(status)]
    answer = attempts.send()
    assert (answer.status, answer.is_final) == (status, is_final)
    assert answer.error == f"the receiver answered {status}"


@pytest.mark.parametrize(
    ("asked", "understood"), [("120", 120), ("-1", 0), ("soon", 0), ("9" * 40, 0)]
)
def test_retry_after_is_read_with_care(
    attempts: Attempts, receiver: Any, replying: Any, asked: str, understood: float
) -> None:
    receiver.replies = [replying(503, **{"Retry-After": asked})]
    assert attempts.send().retry_after_s == understood


def test_an_address_that_does_not_answer_is_followed_by_the_next(
    receiver: Any, certificate: Path
) -> None:
    tls = httpx.create_ssl_context(trust_env=False)
    tls.load_verify_locations(certificate)

    async def resolve(name: str, port: int) -> list[Address]:
        return [ip_address("127.0.0.2"), LOOPBACK]

    sender = Sender(
        ports=[receiver.server_port],
        is_allowed=lambda address: address.is_loopback,
        tls=tls,
        resolve=resolve,
    )
    assert asyncio.run(sender.send(receiver.url, {}, b"{}")).is_success


def test_a_host_that_does_not_speak_is_given_up(certificate: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings = Settings.model_validate(
            {"webhook_allow_private": True, "webhook_ports": [port]}
        )
        sender = Sender.from_settings(settings, connect_s=0.1)
        answer = asyncio.run(sender.send(f"https://127.0.0.1:{port}/", {}, b"{}"))
    assert answer == Answer(error="no connection within 0.1 s")


def test_a_name_that_does_not_resolve_is_tried_again() -> None:
    sender = Sender.from_settings(Settings())
    answer = asyncio.run(sender.send("https://nothing.invalid/", {}, b"{}"))
    assert answer == Answer(error="the host name does not resolve")
