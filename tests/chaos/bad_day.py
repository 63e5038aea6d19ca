"""A bad day: damaged keys, flipped bits, full disks, hung estimates, clock steps.

`python -m tests.chaos.bad_day`. Each fault may cost the job that it hits, which then
says why; it costs no other job, and holds up none. A clock that was set forward and
back is played by what it leaves behind: times in the future.
"""

import argparse
import asyncio
import contextlib
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import redis

from kantor.service.queue import JobBoard, JobRecord, NewJob, SampleRef
from kantor.service.queue.broker import connect, connect_async
from kantor.service.queue.keys import Keys
from kantor.service.store import DatasetStore, UnknownBlob
from tests.chaos.harness import HOOK, TERMINAL, Chaos, Plan

FULL_S = 2.0
STALL_S = 6.0
FORWARD_MS = 10 * 86_400_000
HANGS = 18
"""Seed with which the estimate of these workers hangs."""

LONGEST_PAUSE_S = 30.0
"""In which no job may be seen to end while some wait, on two busy cores."""

SETS = ("ready", "queued", "leases", "index", "deadlines", "expiries", "deliveries")
STRINGS = ("seq", "seen", "grace", "mended")
OTHERS = ("bell", "turn", "totals", "workers", "devices")
FIELDS = ("status", "owner", "priority", "seq", "source", "config", "attempt", "token")
DAMAGE = {"job_damaged", "dataset_damaged", "dataset_missing"}


@dataclass(frozen=True, kw_only=True)
class BadPlan(Plan):
    """How many faults of each kind; by default no process is killed."""

    worker_kills: int = 3
    worker_stops: int = 0
    server_kills: int = 1
    cuts: int = 2
    delays: int = 0
    job_losses: int = 12
    job_damages: int = 12
    key_losses: int = 16
    key_damages: int = 16
    dataset_flips: int = 12
    result_flips: int = 12
    full_disks: int = 8
    hangs: int = 4
    clock_steps: int = 10

    def kinds(self) -> dict[str, int]:
        """Return how many faults there are of each kind."""
        return super().kinds() | {
            "job_loss": self.job_losses,
            "job_damage": self.job_damages,
            "key_loss": self.key_losses,
            "key_damage": self.key_damages,
            "dataset_flip": self.dataset_flips,
            "result_flip": self.result_flips,
            "full_disk": self.full_disks,
            "hang": self.hangs,
            "clock_step": self.clock_steps,
        }


class BadDay(Chaos):
    """A run with faults of the store, the records, the estimates and the clock.

    Attributes:
        hit: Jobs that a fault was aimed at, and the codes with which they may fail.
        spoiled: Results that were damaged after their jobs had ended.
        pauses: Longest time without an end of a job while some waited.
    """

    def __init__(self, plan: BadPlan, folder: Path) -> None:
        super().__init__(plan, folder)
        attempts = {"max_attempts": 4, "stall_s": STALL_S}
        self.settings = self.settings.model_copy(update=attempts)
        self.hit: dict[str, set[str]] = {}
        self.spoiled: set[str] = set()
        self.longest_pause_s = 0.0
        self._keys = Keys(self.settings.key_prefix)
        self._client = connect(self.valkey.url)
        # Through a process of its own, since the workers' disk is full now and then.
        self._scribe = subprocess.Popen(
            ["tee", "-a", str(self.log)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )

    def inflict(self) -> None:
        """Inflict every fault while somebody watches that jobs go on ending."""
        watcher = threading.Thread(target=self._watch, daemon=True)
        watcher.start()
        super().inflict()

    def keep_workers(self) -> None:
        """Replace the dead; all write to one scribe."""
        self.workers = [w for w in self.workers if w.poll() is None]
        while len(self.workers) < self.plan.workers:
            command = [sys.executable, str(self.program)]
            variables = self._variables() | {"KANTOR_STALL_S": str(STALL_S)}
            process = subprocess.Popen(
                command, env=variables, stderr=self._scribe.stdin
            )
            self.workers.append(process)

    def job_loss(self) -> None:
        """Lose the record of a job."""
        if job_id := self._some_job():
            self.hit[job_id] = DAMAGE
            self._client.delete(self._keys("job", job_id))

    def job_damage(self) -> None:
        """Damage a field of a job's record, or its type."""
        if not (job_id := self._some_job()):
            return
        self.hit[job_id] = DAMAGE
        key, name = self._keys("job", job_id), self.draw.choice(FIELDS)
        match self.draw.randrange(3):
            case 0:
                self._client.hset(key, name, "\x00\xff{")
            case 1:
                self._client.hdel(key, name)
            case _:
                self._client.set(key, "not a record")

    def key_loss(self) -> None:
        """Lose a key that many jobs share."""
        name = self.draw.choice(SETS + STRINGS + OTHERS)
        self._client.delete(self._keys(name))

    def key_damage(self) -> None:
        """Put something else in place of a key that many jobs share."""
        name = self.draw.choice(SETS + STRINGS + OTHERS)
        self._client.delete(self._keys(name))
        if name in STRINGS:
            self._client.set(self._keys(name), "\x00nonsense")
        else:
            self._client.set(self._keys(name), "not a set")

    def dataset_flip(self) -> None:
        """Flip a bit of a dataset that one queued job needs."""
        values = np.array([[self.draw.random()] for _ in range(40)])
        stored = DatasetStore(self.settings.data_dir).put_array(values)
        side = SampleRef(stored.id, 40, 1)
        self._flip(next(self.settings.data_dir.glob(f"datasets/*/{stored.id[3:]}.npy")))
        self._submit_one(side, {"steps": 3}, {"dataset_damaged", "dataset_missing"})

    def result_flip(self) -> None:
        """Flip a bit of the result of a job that has ended."""
        ended = self._client.zrange(self._keys("expiries"), 0, -1)
        if not ended:
            return
        job_id = self.draw.choice(sorted(map(str, ended)))
        digest = self._client.hget(self._keys("job", job_id), "result")
        found = list(self.settings.data_dir.glob(f"blobs/*/{digest!s}*"))
        if digest and found:
            self._flip(found[0])
            self.spoiled.add(str(digest))

    def full_disk(self) -> None:
        """Let no worker write a byte for a moment."""
        for worker in self.workers:
            with contextlib.suppress(ProcessLookupError):
                _, most = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
                resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (0, most))
        time.sleep(FULL_S)
        for worker in self.workers:
            with contextlib.suppress(ProcessLookupError):
                _, most = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
                resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (most, most))

    def hang(self) -> None:
        """Submit a job whose estimate hangs, wherever it is tried."""
        dataset = DatasetStore(self.settings.data_dir).put_array(np.ones((40, 1)))
        side = SampleRef(dataset.id, 40, 1)
        self._submit_one(side, {"steps": 3, "seed": HANGS}, {"worker_lost"})

    def clock_step(self) -> None:
        """Leave behind what a clock does that is set forward and back."""
        ahead = int(time.time() * 1000) + FORWARD_MS
        for name in ("seen", "grace"):
            self._client.set(self._keys(name), ahead)
        for name in ("leases", "workers"):
            for member in self._client.zrange(self._keys(name), 0, -1):
                self._client.zadd(self._keys(name), {str(member): ahead}, xx=True)

    def finished(self) -> None:
        """End what belongs to the run alone."""
        assert self._scribe.stdin is not None
        self._scribe.stdin.close()
        self._scribe.wait()
        self._client.close()

    def _some_job(self) -> str | None:
        """Return a job that waits or runs, and that nothing has hit yet."""
        found = [
            str(member)
            for name in ("ready", "leases")
            for member in self._members(name)
        ]
        free = sorted(set(found) & set(self.steps) - set(self.hit))
        return self.draw.choice(free) if free else None

    def _members(self, name: str) -> list[object]:
        try:
            return list(self._client.zrange(self._keys(name), 0, -1))
        except redis.ResponseError:  # it is damaged at present
            return []

    def _submit_one(
        self, side: SampleRef, config: dict[str, object], codes: set[str]
    ) -> None:
        job = NewJob(source=side, target=side, config=config, webhook=HOOK)
        self.hit[job.id] = codes

        async def submit() -> None:
            async with connect_async(self.valkey.url) as client:
                await self._accept(JobBoard(client, self.settings), job)

        asyncio.run(submit())
        self.steps[job.id] = 3

    def _flip(self, path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[self.draw.randrange(len(content))] ^= 1 << self.draw.randrange(8)
        draft = path.with_suffix(".flipped")  # a new file, as of a disk that forgot
        draft.write_bytes(content)
        draft.replace(path)

    def _watch(self) -> None:
        """Note the longest time without an end while jobs waited."""
        last, ended_at = -1, time.monotonic()
        while not self.done.is_set():
            time.sleep(0.25)
            try:
                ended = int(self._client.zcard(self._keys("expiries")))
                waiting = int(self._client.zcard(self._keys("ready")))
            except redis.RedisError:  # away, or damaged at present
                continue
            if ended != last or not waiting:
                last, ended_at = ended, time.monotonic()
            self.longest_pause_s = max(
                self.longest_pause_s, time.monotonic() - ended_at
            )

    async def _count(self) -> None:
        report, commits = self.report, self._commits()
        report.accepted = len(self.steps)
        async with connect_async(self.valkey.url) as client:
            board = JobBoard(client, self.settings)
            report.totals = (await board.stats()).totals
            owed = set(await client.zrange(self._keys("deliveries"), 0, -1))
            for job_id in self.steps:
                self._judge(job_id, await board.get(job_id), commits)
                if job_id not in owed and job_id not in self.hit:
                    report.untold.append(job_id)

    def _judge(self, job_id: str, job: JobRecord | None, commits: Counter[str]) -> None:
        """Say what came of one job."""
        report, codes = self.report, self.hit.get(job_id, set())
        if commits[job_id] > 1:
            report.doubled.append(job_id)
        if job is None:
            report.outcomes["forgotten"] += 1
            if not codes:
                report.lost.append(job_id)
        elif job.status not in TERMINAL:
            report.lost.append(job_id)
        elif job.status == "succeeded" and job.result is not None:
            report.outcomes[self._told(job_id, job.result)] += 1
        else:
            code = job.error.code if job.error else job.status
            report.outcomes[code] += 1
            if code not in codes:
                report.wrong.append(f"{job_id} {code}")

    def _told(self, job_id: str, digest: str) -> str:
        """Return whether a result is right, or damaged and said to be."""
        try:
            estimate = self._estimate(digest)
        except UnknownBlob:
            if digest not in self.spoiled:
                self.report.wrong.append(f"{job_id} gone")
            return "result damaged, and told"
        if estimate != self.steps[job_id]:
            self.report.wrong.append(f"{job_id} {estimate}")
        return "succeeded"


def run(plan: BadPlan, folder: Path) -> BadDay:
    """Run a bad day to its end."""
    day = BadDay(plan, folder)
    try:
        day.run()
    finally:
        day.finished()
    return day


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.bad_day")
    parser.add_argument("--seed", type=int, default=1)
    seed = parser.parse_args().seed
    with tempfile.TemporaryDirectory(prefix="kantor-bad-day-") as folder:
        day = run(BadPlan(seed=seed), Path(folder))
    sys.stdout.write(
        f"{day.report}\njobs hit {len(day.hit)}, results flipped {len(day.spoiled)}\n"
        f"longest without an end while jobs waited: {day.longest_pause_s:.1f} s\n"
    )
    for name in ("lost", "doubled", "wrong", "untold"):
        for found in getattr(day.report, name)[:10]:
            sys.stdout.write(f"{name.upper()} {found}\n")
    held_up = day.longest_pause_s > LONGEST_PAUSE_S
    return 0 if day.report.is_clean and not held_up else 1


if __name__ == "__main__":
    sys.exit(main())
