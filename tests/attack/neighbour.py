"""The neighbour: another key's caller who wants answers while somebody attacks.

A process of its own, so that the attacker's work in Python does not count as hers.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from tests.attack.stage import KEYS, Stage, small_job

PAUSE_S = 0.05
PATIENCE_S = 30.0
LIMIT_MS = 250.0
JOB = json.dumps(small_job())
HEADERS = {
    "Authorization": f"Bearer {KEYS['ada']}",
    "Content-Type": "application/json",
}


@dataclass(frozen=True)
class Asked:
    """One request of hers: when it was sent, what for, and what came of it."""

    at: float
    kind: str
    took_s: float
    status: int


class Neighbour:
    """What the neighbour has lived through so far."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def asked(self, since: float) -> list[Asked]:
        """Return her requests that had no answer at a time of the monotonic clock."""
        lines = self._log.read_text().splitlines()
        whole = [Asked(**json.loads(line)) for line in lines if line.endswith("}")]
        return [asked for asked in whole if asked.at + asked.took_s >= since]


def quantile_ms(asked: list[Asked], kind: str, share: float) -> float:
    """Return a quantile of how long requests of one kind took."""
    took = sorted(a.took_s for a in asked if a.kind == kind)
    return 1000 * took[min(len(took) - 1, int(len(took) * share))] if took else 0.0


@contextmanager
def neighbour(stage: Stage) -> Iterator[Neighbour]:
    """Let the neighbour ask for as long as the block runs."""
    log = stage.folder / "neighbour.jsonl"
    command = [sys.executable, "-m", "tests.attack.neighbour", stage.url]
    with log.open("wb") as lines, subprocess.Popen(command, stdout=lines) as process:
        try:
            yield Neighbour(log)
        finally:
            process.terminate()


def _ask(url: str, kind: str) -> int:
    """Send a request on a connection of its own, as a stranger would."""
    there = urlsplit(url).netloc
    with contextlib.closing(HTTPConnection(there, timeout=PATIENCE_S)) as line:
        if kind == "healthz":
            line.request("GET", "/healthz")
        else:
            line.request("POST", "/v1/jobs", JOB, HEADERS)
        answer = line.getresponse()
        answer.read()
        return answer.status


def main(url: str) -> None:
    """Ask for ever; write a line about each request."""
    while True:
        for kind in ("healthz", "submit"):
            at = time.monotonic()
            try:
                status = _ask(url, kind)
            except (OSError, HTTPException):
                status = 0
            asked = Asked(at, kind, time.monotonic() - at, status)
            sys.stdout.write(json.dumps(vars(asked)) + "\n")
            sys.stdout.flush()
            time.sleep(PAUSE_S)


if __name__ == "__main__":
    main(sys.argv[1])
