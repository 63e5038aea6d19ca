"""Jobs under faults: real Valkey, real workers, and a count of what came of each."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from redis.exceptions import RedisError

from kantor.service.processes.valkey import EmbeddedValkey
from kantor.service.queue import JobBoard, NewJob, SampleRef, Webhook
from kantor.service.queue.broker import connect_async
from kantor.service.queue.keys import Keys
from kantor.service.settings import Settings
from kantor.service.store import BlobStore, DatasetStore
from tests.chaos.proxy import FaultyProxy

ROOT = Path(__file__).parents[2]
WORKER = ROOT / "tests" / "service" / "worker" / "slow_worker.py"
BURSTS = (1, 1, 1, 6)
"""Jobs submitted at once; many, now and then, so that workers take several together."""

TERMINAL = {"succeeded", "failed", "cancelled"}
HOOK = Webhook(
    "https://hooks.example/", "hooks.example", [f"job.{end}" for end in TERMINAL]
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many faults of each kind, and how they are spaced."""

    worker_kills: int = 50
    worker_stops: int = 10
    server_kills: int = 5
    cuts: int = 10
    delays: int = 5
    workers: int = 3
    lease_s: float = 1.0
    pause_s: float = 0.8
    submit_every_s: float = 0.15
    seed: int = 1

    def kinds(self) -> dict[str, int]:
        """Return how many faults there are of each kind."""
        return {
            "worker_kill": self.worker_kills,
            "worker_stop": self.worker_stops,
            "server_kill": self.server_kills,
            "cut": self.cuts,
            "delay": self.delays,
        }

    def faults(self, draw: random.Random) -> list[str]:
        """Return all faults in random order."""
        kinds = self.kinds()
        faults = [kind for kind, number in kinds.items() for _ in range(number)]
        draw.shuffle(faults)
        return faults


@dataclass
class Report:
    """What came of the accepted jobs."""

    accepted: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    totals: dict[str, int] = field(default_factory=dict)
    packs: int = 0
    took_s: float = 0.0

    @property
    def is_clean(self) -> bool:
        """Tell whether every job ended once and with the right answer."""
        faulty = self.lost or self.doubled or self.wrong or self.untold
        return self.accepted > 0 and not faulty

    def __str__(self) -> str:
        names = ("requeued_lost", "requeued_released", "commits_refused")
        return "\n".join(
            [
                f"accepted {self.accepted} in {self.took_s:.0f} s: {self.outcomes}",
                f"lost {len(self.lost)}, committed twice {len(self.doubled)}, "
                f"wrong {len(self.wrong)}, webhooks untold {len(self.untold)}",
                f"faults {self.faults}, packs {self.packs}",
                f"queue { {name: self.totals.get(name, 0) for name in names} }",
            ]
        )


class Chaos:
    """One run: a server, workers behind a faulty line, submissions, faults, a count."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.draw = random.Random(plan.seed)
        self.report = Report()
        chosen = os.environ.get("KANTOR_TEST_SERVER")
        binary = Path(chosen) if chosen else None
        self.valkey = EmbeddedValkey(folder / "valkey", binary=binary)
        self.proxy = FaultyProxy(Path(self.valkey.url.removeprefix("unix://")))
        self.settings = Settings.model_validate(
            {
                "data_dir": folder,
                "redis_url": self.valkey.url,
                "lease_s": plan.lease_s,
                "heartbeat_s": plan.lease_s / 4,
                "max_attempts": 100,
            }
        )
        self.log = folder / "workers.log"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.program = WORKER
        self.steps: dict[str, int] = {}
        self.done = threading.Event()

    def run(self) -> Report:
        """Run to the end; every process is gone afterwards."""
        started = time.monotonic()
        submitter = threading.Thread(target=lambda: asyncio.run(self._submit()))
        with self.running():
            submitter.start()
            try:
                self.inflict()
            finally:
                self.done.set()
                submitter.join()
            asyncio.run(self._drain())
            asyncio.run(self._count())
        self.report.took_s = time.monotonic() - started
        return self.report

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the server, the proxy and the workers."""
        with self.valkey:
            self.proxy.start()
            try:
                self.keep_workers()
                yield
            finally:
                self._end_workers()
                self.proxy.stop()

    def inflict(self) -> None:
        """Inflict every fault of the plan, a moment apart."""
        for fault in self.plan.faults(self.draw):
            time.sleep(self.draw.uniform(0.5, 1.5) * self.plan.pause_s)
            self.keep_workers()
            getattr(self, fault)()
            self.report.faults[fault] += 1

    def worker_kill(self) -> None:
        self.draw.choice(self.workers).kill()

    def worker_stop(self) -> None:
        victim = self.draw.choice(self.workers)
        victim.send_signal(signal.SIGSTOP)
        wake = threading.Timer(
            2.2 * self.plan.lease_s, victim.send_signal, (signal.SIGCONT,)
        )
        wake.start()

    def server_kill(self) -> None:
        assert self.valkey.pid is not None
        os.kill(self.valkey.pid, signal.SIGKILL)
        time.sleep(self.draw.uniform(0.1, 2.0) * self.plan.lease_s)
        self.valkey.stop()
        self.valkey.start()

    def cut(self) -> None:
        self.proxy.cut()

    def delay(self) -> None:
        self.proxy.delay_s = self.draw.uniform(0.05, 0.5) * self.plan.lease_s
        time.sleep(self.plan.lease_s)
        self.proxy.delay_s = 0.0

    def keep_workers(self) -> None:
        """Replace the dead; as a supervisor would."""
        self.workers = [w for w in self.workers if w.poll() is None]
        while len(self.workers) < self.plan.workers:
            with self.log.open("ab") as log:
                command = [sys.executable, str(self.program)]
                process = subprocess.Popen(command, env=self._variables(), stderr=log)
            self.workers.append(process)

    def _variables(self) -> dict[str, str]:
        return os.environ | {
            "KANTOR_REDIS_URL": f"redis://127.0.0.1:{self.proxy.port}",
            "KANTOR_DATA_DIR": str(self.settings.data_dir),
            "KANTOR_LEASE_S": str(self.settings.lease_s),
            "KANTOR_HEARTBEAT_S": str(self.settings.heartbeat_s),
            "KANTOR_MAX_ATTEMPTS": str(self.settings.max_attempts),
            "KANTOR_MAX_CLAIM": "4",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
        }

    async def _submit(self) -> None:
        dataset = DatasetStore(self.settings.data_dir).put_array(np.ones((40, 1)))
        side = SampleRef(dataset.id, 40, 1)
        async with connect_async(self.valkey.url) as client:
            board = JobBoard(client, self.settings)
            while not self.done.is_set():
                for _ in range(self.draw.choice(BURSTS)):
                    await self._submit_job(board, side)
                await asyncio.sleep(self.plan.submit_every_s)

    async def _submit_job(self, board: JobBoard, side: SampleRef) -> None:
        steps = self.draw.randint(2, 40)
        job = NewJob(
            source=side,
            target=side,
            config={"steps": steps},
            bucket=self.draw.choice(["", "small", "small", "small"]),
            webhook=HOOK,
        )
        await self._accept(board, job)
        self.steps[job.id] = steps

    async def _accept(self, board: JobBoard, job: NewJob) -> None:
        """Repeat a submission until it is acknowledged, as a client would."""
        while True:
            try:
                await board.enqueue(job)
            except RedisError:
                await asyncio.sleep(0.1)
            else:
                return

    async def _drain(self) -> None:
        deadline = time.monotonic() + 120
        async with connect_async(self.valkey.url) as client:
            board = JobBoard(client, self.settings)
            while time.monotonic() < deadline:
                self.keep_workers()
                stats = await board.stats()
                if stats.queued + stats.running == 0:
                    return
                await asyncio.sleep(0.2)

    async def _count(self) -> None:
        report, commits = self.report, self._commits()
        report.accepted = len(self.steps)
        report.packs = self.log.read_text(errors="replace").count('"pack_begun"')
        async with connect_async(self.valkey.url) as client:
            board = JobBoard(client, self.settings)
            report.totals = (await board.stats()).totals
            deliveries = Keys(self.settings.key_prefix)("deliveries")
            owed = set(await client.zrange(deliveries, 0, -1))
            report.untold = [job_id for job_id in self.steps if job_id not in owed]
            for job_id, steps in self.steps.items():
                job = await board.get(job_id)
                if job is None or not job.status.is_terminal:
                    report.lost.append(job_id)
                    continue
                report.outcomes[job.status] += 1
                events = [e.type for e in await board.history(job_id)]
                if len(TERMINAL & set(events)) != 1 or commits[job_id] > 1:
                    report.doubled.append(job_id)
                if job.result is None or self._estimate(job.result) != steps:
                    report.wrong.append(job_id)

    def _commits(self) -> Counter[str]:
        """Count by job the commits that a worker was told are believed."""
        lines = self.log.read_text(errors="replace").splitlines()
        entries = [json.loads(line) for line in lines if '"job_left"' in line]
        return Counter(
            entry["job_id"]
            for entry in entries
            if entry["outcome"] == "succeeded" and entry["believed"]
        )

    def _estimate(self, digest: str) -> float:
        document = json.loads(BlobStore(self.settings.data_dir).get(digest))
        return float(document["estimate"])

    def _end_workers(self) -> None:
        for process in self.workers:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
