"""Ask whether the API or the workers of this host can serve: for container engines.

    python -I -S probe.py api | workers

It is asked every few seconds for as long as the service lives, and so stands alone
(standard library, no package import): some 20 ms of processor time, where a start of
the whole command line takes half a second. The exit status is 0 or 1; what is printed
is what the engine keeps as the reason.
"""

import os
import socket
import sys
import time

TIMEOUT_S = 4.0
REQUEST = b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n"
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class Unhealthy(Exception):
    """Say why something cannot serve."""


def ask_api(host: str, port: int) -> str:
    """Return what `/readyz` says of an API that is ready.

    Raises:
        Unhealthy: It is not, or does not answer.
    """
    try:
        with socket.create_connection((host, port), TIMEOUT_S) as connection:
            connection.sendall(REQUEST)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
    except OSError as error:
        raise Unhealthy(f"no answer from {host} port {port}: {error}") from error
    head, _, body = answer.partition(b"\r\n\r\n")
    text = body.decode(errors="replace")
    if head.split(b" ", 2)[1:2] != [b"200"]:
        raise Unhealthy(text or "expected an answer, received none")
    return text


def ask_workers(file: str, lease_s: float) -> str:
    """Return how long ago the queue heard the workers, by the age of a file.

    Raises:
        Unhealthy: It did not within the lease.
    """
    try:
        age_s = time.time() - os.stat(file).st_mtime  # noqa: PTH116  pathlib takes long
    except OSError as error:
        raise Unhealthy(f"the queue has not heard every worker yet: {error}") from error
    if age_s > lease_s:
        raise Unhealthy(f"the queue has not heard every worker for {age_s:.0f} s")
    return f"every worker was heard within {lease_s:g} s"


def _asked(what: str) -> str:
    variables = os.environ
    if what == "workers":
        lease_s = float(variables.get("KANTOR_LEASE_S") or 15)
        return ask_workers(variables.get("KANTOR_HEARD_FILE") or "", lease_s)
    host = variables.get("KANTOR_HOST") or "127.0.0.1"
    port = int(variables.get("KANTOR_PORT") or 8000)
    return ask_api(EVERYWHERE.get(host, host), port)


if __name__ == "__main__":
    try:
        sys.stdout.write(_asked(sys.argv[1]) + "\n")
    except Unhealthy as reason:
        sys.exit(str(reason))
