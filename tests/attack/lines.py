"""What eve does to connections."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from tests.attack.stage import KEYS, SETTINGS, Stage, Tally

GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
GROWTH_MIB = 64.0
FLOOD_S = 5.0
BLOCK = b"a" * 65536

PROBLEM = b"content-type: application/problem+json"


def endless_header(stage: Stage) -> Tally:
    """One header that never ends."""
    return _flooded(stage, GET + b"X-Endless: ", lambda: BLOCK)


def many_headers(stage: Stage) -> Tally:
    """Small headers without end."""
    small = b"".join(b"X-%d: a\r\n" % i for i in range(8000))
    return _flooded(stage, GET, lambda: small)


def slow_heads(stage: Stage) -> Tally:
    """Heads that come a byte at a time."""
    return _dripping(stage, GET, SETTINGS["HEAD_TIMEOUT_S"])


def slow_bodies(stage: Stage) -> Tally:
    """Bodies that come a byte at a time."""
    key = f"Authorization: Bearer {KEYS['eve']}\r\n".encode()
    head = b"POST /v1/datasets HTTP/1.1\r\nHost: 127.0.0.1\r\n" + key
    head += b"Content-Type: application/x-npy\r\nContent-Length: 100000\r\n\r\n"
    return _dripping(stage, head, SETTINGS["BODY_TIMEOUT_S"])


def idle_connections(stage: Stage) -> Tally:
    """Silent connections, more than a process holds."""
    tally = Tally()
    with ExitStack() as stack:
        for _ in range(stage.scale.connections):
            with contextlib.suppress(OSError):
                stack.enter_context(stage.dial())
        for _ in range(10):  # eve herself is answered, too
            with contextlib.closing(stage.dial()) as line:
                line.sendall(GET + b"\r\n")
                tally.check(line.recv(12) == b"HTTP/1.1 200", "no answer beside idle")
    return tally


def no_readers(stage: Stage) -> Tally:
    """Requests whose answers nobody reads."""
    tally, ask = Tally(), GET.replace(b"/healthz", b"/openapi.json") + b"\r\n"
    with ExitStack() as stack:
        for _ in range(stage.scale.slow):
            line = stack.enter_context(stage.dial())
            with contextlib.suppress(OSError):
                line.sendall(ask * 8)
        time.sleep(1.0)
        grown = stage.api_memory_mib()
        tally.check(grown < 1024, f"{grown:.0f} MiB for answers that nobody reads")
    return tally


ODD: tuple[bytes, ...] = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    GET + b"Content-Length: -1\r\n\r\n",
    GET + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
    GET + b" folded: a\r\n\r\n",
    b"GET /nothing HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    b"GET //evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    b"GET /v1/jobs/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    b"GET /static/../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET /static/%2e%2e/%2e%2e/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET /static/a%00b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=99999999-\r\nConnection: close\r\n\r\n",
    b"POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{}",
)


def odd_requests(stage: Stage) -> Tally:
    """What is no request, or leads elsewhere: each answer is a problem."""
    tally = Tally()
    for request in ODD:
        with contextlib.closing(stage.dial()) as line:
            line.sendall(request)
            answer = _received(line).lower()
        refused = answer.startswith(b"http/1.1 4") and PROBLEM in answer
        tally.check(refused and b"location:" not in answer, f"{request[:40]!r} passed")
    return tally


def _flooded(stage: Stage, start: bytes, more: Callable[[], bytes]) -> Tally:
    """Send heads without end; each is cut off, and nothing of it is kept."""
    tally, before = Tally(), stage.api_memory_mib()
    for _ in range(4):
        with contextlib.closing(stage.dial()) as line:
            sent, cut_off = len(start), False
            with contextlib.suppress(OSError):
                line.sendall(start)
            until = time.monotonic() + FLOOD_S
            least = stage.scale.header_mb * 1_000_000
            while not cut_off and (sent < least or time.monotonic() < until):
                try:
                    block = more()
                    line.sendall(block)
                    sent += len(block)
                except OSError:
                    cut_off = True
            tally.check(cut_off, f"{sent} bytes of a head were taken")
    grown = stage.api_memory_mib() - before
    tally.check(grown < GROWTH_MIB, f"{grown:.0f} MiB were kept")
    return tally


def _dripping(stage: Stage, start: bytes, timeout_s: float) -> Tally:
    """Send a byte a second on many connections; all are given up in time."""
    tally = Tally()
    with ExitStack() as stack:
        lines = [stack.enter_context(stage.dial()) for _ in range(stage.scale.slow)]
        for line in lines:
            line.sendall(start)
        until = time.monotonic() + 3 * timeout_s + 5
        while lines and time.monotonic() < until:
            time.sleep(1.0)
            lines = [line for line in lines if _takes_more(line)]
        tally.tried = stage.scale.slow
        tally.breaches = ["a drip was borne"] * len(lines)
    return tally


def _takes_more(line: socket.socket) -> bool:
    line.setblocking(False)
    try:
        if not line.recv(65536):
            return False
    except BlockingIOError:
        pass
    except OSError:
        return False
    try:
        line.send(b"a")
    except OSError:
        return False
    return True


def _received(line: socket.socket) -> bytes:
    return b"".join(_parts(line))


def _parts(line: socket.socket) -> Iterator[bytes]:
    with contextlib.suppress(OSError):
        while part := line.recv(65536):
            yield part
