"""The stage: a real `kantor serve` with two API processes, and keys of two owners.

`eve` attacks, from an address of her own; `ada` is the neighbour, who only wants her
answers (`neighbour`).
"""

import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.usage import anonymous_mib, family
from kantor.service.cli.demonstration import free_port, wait_until_ready
from kantor.service.client import KantorClient
from kantor.service.processes.tether import tethered

KEYS = {"ada": "kt_ada_0123456789abcdef", "eve": "kt_eve_0123456789abcdef"}
EVES_ADDRESS = "127.0.0.2"
PATIENCE_S = 300.0
ROOT = Path(__file__).parents[2]

SETTINGS: dict[str, Any] = {
    "API_PROCESSES": 2,
    "WORKERS": 1,
    "WORKER_THREADS": 1,
    "HEAD_TIMEOUT_S": 2,
    "BODY_TIMEOUT_S": 8,
    "IDLE_TIMEOUT_S": 5,
    "MAX_QUEUED": 400,
    "MAX_KEPT_PER_KEY": 300,
    "MAX_STREAMS_PER_KEY": 50,
    "MAX_UPLOADS_PER_KEY": 20,
    "MAX_FILES_PER_KEY": 8,
    "MAX_STORED_BYTES_PER_KEY": 2_000_000_000,
    "DECODE_TIMEOUT_S": 20,
    "WEBHOOK_ROOT_SECRET": "a-root-secret-of-no-less-than-32-characters",
    "LOG_LEVEL": "info",
}


@dataclass(frozen=True)
class Scale:
    """How much of everything is tried."""

    connections: int = 1001
    slow: int = 200
    header_mb: int = 200
    batch_mb: int = 200
    csv_mb: int = 150
    files: int = 8
    jobs: int = 400
    lists_s: float = 5.0
    quiet_s: float = 8.0


FULL = Scale()
SMALL = Scale(
    connections=300,
    slow=20,
    header_mb=8,
    batch_mb=16,
    csv_mb=4,
    files=4,
    jobs=130,
    lists_s=1.0,
    quiet_s=1.0,
)


@dataclass
class Tally:
    """What came of an attack: how often it was tried, and what got through."""

    tried: int = 0
    breaches: list[str] = field(default_factory=list)

    def check(self, holds: object, otherwise: str) -> None:
        """Count an attempt; note what got through unless `holds`."""
        self.tried += 1
        if not holds:
            self.breaches.append(otherwise)

    def expect(self, answer: httpx.Response, status: int, code: str = "") -> None:
        """Count an attempt that is to be refused so, by a problem document."""
        kind = answer.headers.get("content-type", "")
        found = answer.json().get("code") if kind.endswith("problem+json") else kind
        self.check(
            answer.status_code == status and (not code or found == code),
            f"expected {status} {code}, received {answer.status_code} {found}",
        )


@dataclass(frozen=True)
class Stage:
    """A running service, and the means to reach it."""

    port: int
    pid: int
    folder: Path
    scale: Scale
    draw: random.Random

    @property
    def url(self) -> str:
        """Return where the service is."""
        return f"http://127.0.0.1:{self.port}"

    def caller(self, owner: str) -> httpx.Client:
        """Return a client with an owner's key; eve has an address of her own."""
        address = EVES_ADDRESS if owner == "eve" else None
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {KEYS[owner]}"},
            timeout=PATIENCE_S,
            transport=httpx.HTTPTransport(local_address=address),
        )

    def dial(self, timeout_s: float = 10.0) -> socket.socket:
        """Open a bare connection from eve's address."""
        source = (EVES_ADDRESS, 0)
        there = ("127.0.0.1", self.port)
        return socket.create_connection(there, timeout_s, source_address=source)

    def api_pids(self) -> list[int]:
        """Return the processes that answer."""
        return [pid for pid in family(self.pid) if _command(pid) == "api"]

    def api_memory_mib(self) -> float:
        """Return the memory of the largest API process, without mapped files."""
        return max(anonymous_mib(pid) for pid in self.api_pids())


@contextmanager
def staged(folder: Path, scale: Scale, seed: int) -> Iterator[Stage]:
    """Run the service; every process is gone afterwards."""
    port, log = free_port(), folder / "serve.log"
    keys = {o: hashlib.sha256(k.encode()).hexdigest() for o, k in KEYS.items()}
    variables = {f"KANTOR_{n}": str(v) for n, v in SETTINGS.items()}
    variables |= {"KANTOR_API_KEYS": json.dumps(keys), "KANTOR_PORT": str(port)}
    variables |= {"KANTOR_DATA_DIR": str(folder / "data")}
    command = [sys.executable, "-P", "-m", "kantor.service.cli", "serve"]
    with log.open("wb") as lines:
        process = subprocess.Popen(
            tethered(command), env=os.environ | variables, stdout=lines, stderr=lines
        )
        try:
            with KantorClient(f"http://127.0.0.1:{port}") as client:
                wait_until_ready(client, process, log)
            yield Stage(port, process.pid, folder, scale, random.Random(seed))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60.0)


def small_job(number: int = 0, **more: Any) -> dict[str, Any]:
    """Return a job that costs next to nothing; equal numbers, equal questions."""
    side = {"samples": [[float((i * 7 + number) % 41)] for i in range(40)]}
    config = {"steps": 1, "effort": "quick", "seed": number, "sample_bounds": False}
    return {"source": side, "target": side, "config": config} | more


def _command(pid: int) -> str:
    """Return the word that says what a process of ours does."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return ""
    after = (
        words.index("kantor.service.cli") + 1 if "kantor.service.cli" in words else 0
    )
    return words[after] if after else ""
