"""What happens to one of two hosts, and a count of what came of every job."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kantor.service.client import KantorClient
from kantor.service.queue import JobBoard
from kantor.service.queue.broker import connect_async
from tests.hosts.deployment import Deployment
from tests.hosts.network import network
from tests.hosts.report import Report

HIT, OTHER = "first", "second"
"""The host that something happens to, and the one that nothing does."""

KINDS = ("killed", "cut off")

BEFORE = 2
"""Jobs that the first host has ended before anything happens to it."""

AWAY_LEASES = 1.7
"""How long a host is cut off, in leases."""

ROWS, DIM = 400, 4
PATIENCE_S = 900.0
"""On two busy cores."""


class Scenario:
    """One deployment, one fault, one count."""

    def __init__(self, kind: str, jobs: int, folder: Path, s3_program: str) -> None:
        """Prepare a scenario.

        Args:
            kind: `killed` or `cut off`.
            jobs: How many are submitted before it happens.
            folder: For everything that is written.
            s3_program: The S3 server.
        """
        self._report = Report(kind)
        self._jobs = jobs
        self._folder = folder
        self._s3_program = s3_program
        self._seeds: dict[str, int] = {}

    def run(self) -> Report:
        """Run it to its end."""
        began = time.monotonic()
        with network(HIT, OTHER) as net:
            self._host = net.hosts[HIT]
            self._all = Deployment(net, self._folder, self._s3_program)
            with self._all.running():
                self._submit(self._all.clients[HIT], self._jobs)
                self._await_job_in_hand()
                {"killed": self._kill, "cut off": self._cut_off}[self._report.kind]()
                until(lambda: self._open() == 0)
                asyncio.run(self._count())
                self._compare_results()
        self._report.took_s = time.monotonic() - began
        return self._report

    def _submit(self, client: KantorClient, number: int) -> None:
        for _ in range(number):
            seed = len(self._seeds)
            draw = np.random.default_rng(seed)
            x, y = draw.normal(size=(2, ROWS, DIM))
            config = {"effort": "quick", "seed": seed}
            self._seeds[client.submit(x, y + 0.3, config=config).id] = seed

    def _await_job_in_hand(self) -> None:
        """Return just when the host has begun a job, some others being done."""

        def begun() -> bool:
            told = [line["event"] for line in self._all.lines(HIT)]
            jobs = [event for event in told if event in ("job_started", "job_left")]
            return jobs.count("job_left") >= BEFORE and jobs[-1] == "job_started"

        until(begun, every_s=0.05)

    def _kill(self) -> None:
        """Kill every process of the host at once."""
        self._report.struck_at = time.time()
        self._host.kill()

    def _cut_off(self) -> None:
        """Cut the host off for longer than a lease, then let it come back to work."""
        self._report.struck_at = time.time()
        self._host.cut_off()
        time.sleep(AWAY_LEASES * self._all.settings.lease_s)
        self._host.reconnect()
        returned_at, known = time.monotonic(), self._believed(HIT)
        self._submit(self._all.clients[OTHER], self._jobs // 4)
        until(lambda: self._believed(HIT) > known or self._open() == 0)
        if self._believed(HIT) > known:
            self._report.returned_s = time.monotonic() - returned_at

    def _believed(self, host: str) -> int:
        return sum(bool(line.get("believed")) for line in self._all.lines(host))

    def _open(self) -> int:
        client = self._all.clients[OTHER]
        return sum(len(client.jobs(status=s)) for s in ("queued", "running"))

    async def _count(self) -> None:
        """Look at every job as the queue has it, and at what the workers were told."""
        report, settings = self._report, self._all.settings
        report.jobs = len(self._seeds)
        commits: Counter[str] = Counter()
        for host in (HIT, OTHER):
            left = [ln for ln in self._all.lines(host) if ln["event"] == "job_left"]
            ended = [line["job_id"] for line in left if line["believed"]]
            commits.update(ended)
            report.commits[host] = len(ended)
            report.refused += sum(
                line["outcome"] == "succeeded" and not line["believed"] for line in left
            )
        assert settings.redis_url is not None
        async with connect_async(settings.redis_url.get_secret_value()) as client:
            board = JobBoard(client, settings)
            for job_id in self._seeds:
                events = await board.history(job_id)
                report.judge(job_id, events, commits=commits[job_id])

    def _compare_results(self) -> None:
        """Read every result through the hosts that live, each with its own folder."""
        killed = self._report.kind == "killed"
        readers = [self._all.clients[h] for h in ((OTHER,) if killed else (OTHER, HIT))]
        for job_id, seed in self._seeds.items():
            first, *more = [c.job(job_id).document["result"] for c in readers]
            if not first or first["seed"] != seed or any(r != first for r in more):
                self._report.wrong.append(job_id)


def until(condition: Callable[[], bool], *, every_s: float = 0.3) -> None:
    """Wait for something.

    Raises:
        AssertionError: It has not come in time.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(every_s)
