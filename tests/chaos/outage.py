"""Take Redis away for a while, twice: `python -m tests.chaos.outage --seconds 30`.

Once Valkey is stopped (connections open, no answers), once it is killed and started
again from its append-only file. The API (two processes) and a worker run all the while.
Meanwhile every request must be refused within two seconds, as a problem document;
afterwards the API must answer within five; no process may have been started anew; and
the job that ran, with those queued behind it, must succeed at the first attempt.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from kantor.service.cli.demonstration import free_port, wait_until_ready
from kantor.service.client import Job, KantorClient
from kantor.service.processes.tether import tethered
from kantor.service.processes.valkey import EmbeddedValkey

ROOT = Path(__file__).parents[2]
WORKER = ROOT / "tests" / "service" / "worker" / "slow_worker.py"
STEP_S = 0.01
REFUSAL_S = 2.0
RECOVERY_S = 5.0
PATIENCE_S = 60.0
KINDS = ("stopped", "killed")


@dataclass(frozen=True)
class Report:
    """What one outage did.

    Attributes:
        refusals: Requests answered 503 with a problem document while Redis was away.
        others: Other answers to requests meanwhile; empty if all is well.
        slowest_s: The longest that a refusal took.
        recovery_s: From the return of Redis to the first good answer.
        survived: Whether every process is the one it was before.
        ends: Status and attempt of the job that ran, then of those queued behind it.
    """

    kind: str
    refusals: int
    others: list[str]
    slowest_s: float
    recovery_s: float
    survived: bool
    ends: list[tuple[str, int]]

    @property
    def is_clean(self) -> bool:
        """Tell whether every bar was reached."""
        return (
            self.refusals > 0
            and not self.others
            and self.slowest_s < REFUSAL_S
            and self.recovery_s < RECOVERY_S
            and self.survived
            and set(self.ends) == {("succeeded", 1)}
        )

    def __str__(self) -> str:
        word = "ok" if self.is_clean else "MISSED"
        return (
            f"{self.kind:8} {word}: {self.refusals} refusals, slowest "
            f"{self.slowest_s:.2f} s, other answers {self.others[:3]}; back after "
            f"{self.recovery_s:.2f} s; processes survived: {self.survived}; "
            f"jobs {self.ends}"
        )


class Outage:
    """The service on a Valkey that is taken away for `seconds`."""

    def __init__(self, folder: Path, *, seconds: float, seed: int) -> None:
        self._folder = folder
        self._seconds = seconds
        self._draw = random.Random(seed)
        self._valkey = EmbeddedValkey(folder / "valkey")

    def run(self, kind: str) -> Report:
        """Inflict an outage of one kind and watch."""
        with self._valkey, self._serving() as (client, processes):
            jobs = self._submit(client)
            members = [_family(process.pid) for process in processes]
            bring_back = self._take_away(kind)
            away = self._ask_while_away(client, jobs[0]["id"])
            bring_back()
            recovery_s = _time_to_answer(client, jobs[0]["id"])
            ended = [client.wait(job["id"], timeout_s=self._patience()) for job in jobs]
            survived = members == [_family(process.pid) for process in processes]
        return Report(
            kind=kind,
            refusals=sum(not other for _, other in away),
            others=[other for _, other in away if other],
            slowest_s=max(took_s for took_s, _ in away),
            recovery_s=recovery_s,
            survived=survived,
            ends=[(job["status"], job["attempt"]) for job in ended],
        )

    @contextmanager
    def _serving(
        self,
    ) -> Iterator[tuple[KantorClient, list[subprocess.Popen[bytes]]]]:
        port, log = free_port(), self._folder / "service.log"
        variables = {
            "KANTOR_DATA_DIR": str(self._folder),
            "KANTOR_REDIS_URL": self._valkey.url,
            "KANTOR_PORT": str(port),
            "KANTOR_API_PROCESSES": "2",
            "PYTHONPATH": str(ROOT),
        }
        commands = [["-m", "kantor.service.cli", "api"], [str(WORKER)]]
        with log.open("ab") as lines:
            processes = [
                subprocess.Popen(
                    tethered([sys.executable, *command]),
                    env=os.environ | variables,
                    stderr=lines,
                )
                for command in commands
            ]
        try:
            with KantorClient(f"http://127.0.0.1:{port}") as client:
                wait_until_ready(client, processes[0], log)
                yield client, processes
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(PATIENCE_S)

    def _submit(self, client: KantorClient) -> list[Job]:
        """Submit a job that runs through the outage, and two behind it."""
        samples = np.random.default_rng(0).normal(size=(2, 40, 1))
        through = round((self._seconds + 5.0) / STEP_S)
        jobs = [client.submit(*samples, config={"steps": s}) for s in (through, 10, 20)]
        while client.job(jobs[0]["id"])["status"] != "running":
            time.sleep(0.05)
        return jobs

    def _take_away(self, kind: str) -> Callable[[], None]:
        """Begin the outage; return what ends it."""
        pid = self._valkey.pid
        assert pid is not None
        if kind == "stopped":
            os.kill(pid, signal.SIGSTOP)
            return lambda: os.kill(pid, signal.SIGCONT)
        os.kill(pid, signal.SIGKILL)
        self._valkey.stop()
        return self._valkey.start

    def _ask_while_away(
        self, client: KantorClient, job_id: str
    ) -> list[tuple[float, str]]:
        """Send requests of all kinds; return how long each took, and odd answers."""
        paths = [("GET", f"/v1/jobs/{job_id}"), ("GET", "/v1/jobs")]
        paths += [("POST", f"/v1/jobs/{job_id}/cancel"), ("GET", "/metrics")]
        until = time.monotonic() + self._seconds
        found = []
        with httpx.Client(base_url=client.base_url, timeout=PATIENCE_S) as http:
            while time.monotonic() < until - REFUSAL_S / 2:
                found.append(_refusal(http, *self._draw.choice(paths)))
                time.sleep(self._draw.uniform(0.0, 0.3))
        time.sleep(max(0.0, until - time.monotonic()))
        return found

    def _patience(self) -> float:
        return PATIENCE_S + self._seconds


def _refusal(http: httpx.Client, method: str, path: str) -> tuple[float, str]:
    """Send a request; return how long it took, and the answer if not the right one."""
    sent_at = time.monotonic()
    answer = http.request(method, path)
    took_s = time.monotonic() - sent_at
    media_type = answer.headers["content-type"]
    right = answer.status_code == 503 and media_type == "application/problem+json"
    return took_s, "" if right else f"{method} {path}: {answer.status_code}"


def _time_to_answer(client: KantorClient, job_id: str) -> float:
    began = time.monotonic()
    with httpx.Client(base_url=client.base_url, timeout=PATIENCE_S) as http:
        while http.get(f"/v1/jobs/{job_id}").status_code != 200:
            time.sleep(0.02)
    return time.monotonic() - began


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def run(*, seconds: float, seed: int, folder: Path) -> list[Report]:
    """Inflict both kinds of outage, each on a service of its own."""
    reports = []
    for kind in KINDS:
        own = folder / kind
        own.mkdir()
        reports.append(Outage(own, seconds=seconds, seed=seed).run(kind))
    return reports


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.outage")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kantor-outage-") as folder:
        reports = run(seconds=options.seconds, seed=options.seed, folder=Path(folder))
    for report in reports:
        sys.stdout.write(f"{report}\n")
    return 0 if all(report.is_clean for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
