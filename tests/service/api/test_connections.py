"""What strangers do to connections: none of it keeps anybody else from an answer."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import pytest

from kantor.service.api import connections
from kantor.service.api.connections import MAX_HEAD_BYTES, MAX_HEADERS
from kantor.service.settings import Settings

Rows = list[list[float]]
Dial = Callable[[], socket.socket]
MOST = 12
GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
HEAD_S = 1.0
BODY_S = 1.0


@pytest.fixture
def api_settings(settings: Settings) -> Settings:
    limits = {
        "max_connections": 2 * MOST,
        "max_connections_per_address": MOST,
        "head_timeout_s": HEAD_S,
        "body_timeout_s": BODY_S,
    }
    return settings.model_copy(update=limits)


@pytest.fixture
def dial(api: httpx.Client) -> Iterator[Dial]:
    """Return a function that opens a bare connection."""
    with ExitStack() as stack:

        def connect() -> socket.socket:
            address = (str(api.base_url.host), int(api.base_url.port or 0))
            return stack.enter_context(socket.create_connection(address, timeout=10))

        yield connect


def post(path: str, header: bytes) -> bytes:
    """Return the head of a request with a body."""
    first = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
    return first + header + b"\r\n\r\n"


def received(line: socket.socket) -> bytes:
    """Return everything until the other side closes."""
    parts = []
    try:
        while part := line.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def problem(answer: bytes) -> tuple[int, str]:
    """Return status and code of an answer that is a problem document."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"x-request-id: req_" in head
    assert b"x-content-type-options: nosniff" in head
    document = json.loads(body)
    assert document["status"] == int(head[9:12])
    return document["status"], document["code"]


def send_all(line: socket.socket, data: bytes) -> None:
    """Send for as long as anybody listens."""
    with suppress(OSError):
        line.sendall(data)


def fresh_get(api: httpx.Client, path: str) -> httpx.Response:
    return httpx.get(api.base_url.join(path), timeout=5.0)


@pytest.mark.parametrize(
    "head",
    [
        b"X-Endless: " + b"a" * (40 * MAX_HEAD_BYTES),
        b"".join(b"X-%d: a\r\n" % i for i in range(MAX_HEADERS + 1)),
        b"".join(b"X-%d: %b\r\n" % (i, b"a" * 1000) for i in range(50)) + b"\r\n",
    ],
    ids=["one endless header", "many headers", "many bytes"],
)
def test_a_head_has_a_size(dial: Dial, head: bytes) -> None:
    line = dial()
    send_all(line, GET + head)
    assert problem(received(line)) == (431, "head_too_large")


def test_an_endless_header_stalls_nobody(dial: Dial, api: httpx.Client) -> None:
    lines = [dial() for _ in range(3)]
    threads = [
        threading.Thread(target=send_all, args=(line, GET + b"X: " + b"a" * 20_000_000))
        for line in lines
    ]
    for thread in threads:
        thread.start()
    started = time.monotonic()
    for _ in range(20):
        assert api.get("/healthz").status_code == 200
    assert time.monotonic() - started < 2.0
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("start", [b"", GET, b"\r\n"])
def test_a_silent_connection_is_closed(dial: Dial, start: bytes) -> None:
    line = dial()
    line.sendall(start)
    started = time.monotonic()
    answer = received(line)
    assert time.monotonic() - started < HEAD_S + 3.0
    if start == GET:
        assert problem(answer) == (408, "request_timeout")


def test_a_head_that_drips_is_given_up(dial: Dial) -> None:
    line = dial()
    started = time.monotonic()
    for byte in GET * 10:
        send_all(line, bytes([byte]))
        time.sleep(0.05)
        if time.monotonic() - started > HEAD_S + 2.5:
            break
    assert problem(received(line)) == (408, "request_timeout")


@pytest.mark.parametrize(
    "encoding", [b"Content-Length: 1000", b"Transfer-Encoding: chunked"]
)
def test_a_body_that_stops_is_given_up(dial: Dial, encoding: bytes) -> None:
    line = dial()
    line.sendall(post("/v1/datasets", encoding))
    assert problem(received(line)) == (408, "request_timeout")


def test_a_body_that_drips_is_given_up(dial: Dial) -> None:
    line = dial()
    line.sendall(post("/v1/datasets", b"Content-Length: 1000"))
    line.settimeout(0.3)
    answer = b""
    for _ in range(20):
        send_all(line, b"a")
        try:
            answer += line.recv(65536)
        except TimeoutError:
            continue
        break
    assert problem(answer) == (408, "request_timeout")


def test_a_body_nobody_wants_is_not_read_for_ever(dial: Dial) -> None:
    line = dial()
    line.sendall(post("/nowhere", b"Content-Length: 100000000"))
    started = time.monotonic()
    while time.monotonic() - started < connections.LINGER_S + 5.0:
        try:
            line.sendall(b"a" * 100)
        except OSError:
            return
        time.sleep(0.1)
    pytest.fail("still read")


def test_trailers_without_end_are_refused(dial: Dial) -> None:
    line = dial()
    line.sendall(post("/v1/datasets", b"Transfer-Encoding: chunked") + b"0\r\n")
    send_all(line, b"X: " + b"a" * 10_000_000)
    assert b"HTTP/1.1 2" not in received(line)


@pytest.mark.parametrize("request_bytes", [b"\x16\x03\x01\x02\x00", b"GARBAGE\r\n\r\n"])
def test_what_is_no_http_is_told_so(dial: Dial, request_bytes: bytes) -> None:
    line = dial()
    line.sendall(request_bytes)
    assert problem(received(line)) == (400, "malformed_request")


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        ("bytes=9999999999-", 416, "range_not_satisfiable"),
        ("bytes=5-2", 400, "not_understood"),
    ],
)
def test_a_range_that_is_not_there_is_a_problem(
    dial: Dial, header: str, status: int, code: str
) -> None:
    line = dial()
    head = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    line.sendall(f"{head}Range: {header}\r\n\r\n".encode())
    answer = received(line)
    assert problem(answer) == (status, code)
    assert (b"content-range: bytes */" in answer) == (status == 416)


def test_silent_connections_keep_nobody_out(dial: Dial, api: httpx.Client) -> None:
    for _ in range(4 * MOST):
        dial()
    for path in ("/healthz", "/v1/jobs"):
        assert fresh_get(api, path).status_code == 200


def test_half_heads_keep_nobody_out(dial: Dial, api: httpx.Client) -> None:
    for _ in range(4 * MOST):
        dial().sendall(GET)
    assert fresh_get(api, "/v1/jobs").status_code == 200


def test_busy_connections_leave_probes_their_answer(
    dial: Dial, api: httpx.Client, rows: Rows
) -> None:
    side = {"samples": rows}
    job = api.post("/v1/jobs", json={"source": side, "target": side}).json()
    follow = f"GET {job['links']['events']} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    streams = [dial() for _ in range(MOST)]
    for stream in streams:
        stream.sendall(follow.encode())
        assert stream.recv(12) == b"HTTP/1.1 200"
    refused = fresh_get(api, "/v1/jobs")
    assert (refused.status_code, refused.json()["code"]) == (503, "server_busy")
    assert refused.headers["retry-after"] == "2"
    assert refused.headers["connection"] == "close"
    assert fresh_get(api, "/healthz").status_code == 200
    assert fresh_get(api, "/readyz").status_code == 200
    streams[0].close()
    deadline = time.monotonic() + 5
    while fresh_get(api, "/v1/jobs").status_code != 200:
        assert time.monotonic() < deadline


def test_a_kept_connection_that_waits_makes_room(dial: Dial) -> None:
    first = dial()
    first.sendall(GET + b"\r\n")
    assert first.recv(12) == b"HTTP/1.1 200"
    for _ in range(MOST):
        dial()
    assert received(first).endswith(b'{"status":"ok"}')  # and closed


def test_requests_in_a_row_are_answered_in_order(dial: Dial) -> None:
    line = dial()
    line.sendall((GET + b"\r\n") * 4 + GET + b"Connection: close\r\n\r\n")
    assert received(line).count(b'{"status":"ok"}') == 5


def test_a_flood_of_requests_in_a_row_is_cut_off(dial: Dial) -> None:
    line = dial()
    send_all(line, (GET + b"\r\n") * 1000)
    assert received(line).count(b'{"status":"ok"}') < 100


def test_head_is_answered_like_get_without_a_body(api: httpx.Client) -> None:
    for path in ("/healthz", "/v1/jobs", "/", "/v1/info"):
        answer = api.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
    assert api.head("/v1/uploads").status_code == 405


def test_head_of_an_event_stream_ends(api: httpx.Client, rows: Rows) -> None:
    side = {"samples": rows}
    job = api.post("/v1/jobs", json={"source": side, "target": side}).json()
    assert api.head(job["links"]["events"]).status_code == 200


def test_no_redirect_leads_to_where_host_says(api: httpx.Client) -> None:
    answer = api.get("/v1/jobs/", headers={"Host": "localhost"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_caller_who_leaves_is_no_error(
    dial: Dial, api: httpx.Client, capfd: pytest.CaptureFixture[str]
) -> None:
    line = dial()
    line.sendall(post("/v1/datasets", b"Content-Length: 1000") + b"ab")
    time.sleep(0.2)
    line.close()
    time.sleep(0.2)
    assert api.get("/healthz").status_code == 200
    said = "".join(capfd.readouterr())
    assert "caller left" in said
    assert "Traceback" not in said
    assert "exception" not in said


def test_addresses_are_counted_by_network() -> None:
    from kantor.service.api.door import address_of

    def of(address: str) -> Any:
        return address_of((address, 1))

    assert of("2001:db8::1") == of("2001:db8::2") != of("2001:db8:0:1::1")
    assert of("::ffff:192.0.2.1") == of("192.0.2.1") != of("192.0.2.2")
    assert address_of(None) == ""
