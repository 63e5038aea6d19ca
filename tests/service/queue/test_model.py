"""The real queue against a model of it in plain Python, on random histories."""

import math
import time
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, cast

import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kantor.service.queue import (
    Claim,
    Holding,
    JobError,
    JobRecord,
    LeaseQueue,
    Webhook,
)
from kantor.service.settings import Settings

WORKERS = st.sampled_from(["a", "b"])
OWNERS = st.sampled_from(["ada", "bob", "cleo"])
PICK = st.integers(0, 1_000)
MAX_ATTEMPTS = 2
HOOK = Webhook("https://a.example/", "a.example", ["job.succeeded", "job.cancelled"])
"""Wants every end but failure."""


@dataclass
class ModelJob:
    """What a job should be; `place` is its turn among the jobs of its priority."""

    owner: str
    priority: int
    place: int
    bucket: str
    status: str = "queued"
    attempt: int = 0
    token: str | None = None
    done_by: str | None = None
    cancel: bool = False
    webhook: Webhook | None = None

    @property
    def owes(self) -> bool:
        return self.webhook is not None and f"job.{self.status}" in self.webhook.events

    def end(self, status: str) -> None:
        self.status, self.token = status, None


@dataclass
class Queues:
    """The real queue, reached from both sides."""

    board: Any
    client: redis.Redis
    settings: Settings
    workers: dict[str, LeaseQueue] = field(default_factory=dict)

    def worker(self, name: str) -> LeaseQueue:
        if name not in self.workers:
            self.workers[name] = LeaseQueue(self.client, self.settings, name)
        return self.workers[name]

    def silence(self, job_id: str) -> None:
        tag = "{" + self.settings.key_prefix + "}"
        self.client.set(f"{tag}:seen", int(time.time() * 1000))
        self.client.zadd(f"{tag}:leases", {job_id: 0})

    def age(self, job_id: str) -> None:
        tag = "{" + self.settings.key_prefix + "}"
        self.client.hset(f"{tag}:job:{job_id}", "deadline_at", "1")
        self.client.zadd(f"{tag}:deadlines", {job_id: 1})


class QueueMachine(RuleBasedStateMachine):
    """Does everything to both, and compares after every step."""

    def __init__(self, queues: Queues) -> None:
        super().__init__()
        self.queues = queues
        self.jobs: dict[str, ModelJob] = {}
        self.claims: list[tuple[str, Claim]] = []
        self.turns: dict[int, int] = {}
        self.heard: set[str] = set()

    def queued(self) -> list[str]:
        waiting = [i for i, job in self.jobs.items() if job.status == "queued"]
        return sorted(waiting, key=self.order)

    def order(self, job_id: str) -> tuple[int, int, str]:
        job = self.jobs[job_id]
        return -job.priority, job.place, job_id

    def next_place(self, owner: str, priority: int) -> int:
        """Behind the owner's own, and not before the turn that was reached."""
        turn = self.turns.setdefault(priority, len(self.jobs))
        own = [
            job.place
            for job in self.jobs.values()
            if (job.owner, job.priority) == (owner, priority)
            and job.status in ("queued", "running")
        ]
        return max([turn, *own]) + 1

    def some(self, status: str, pick: int) -> str | None:
        ids = [i for i, job in self.jobs.items() if job.status == status]
        return ids[pick % len(ids)] if ids else None

    def some_claim(self, pick: int) -> tuple[LeaseQueue, Claim, ModelJob]:
        name, claim = self.claims[pick % len(self.claims)]
        return self.queues.worker(name), claim, self.jobs[claim.job.id]

    @rule(
        owner=OWNERS,
        priority=st.integers(-1, 1),
        bucket=st.sampled_from(["", "p", "q"]),
        webhook=st.sampled_from([None, HOOK]),
    )
    def enqueue(
        self, owner: str, priority: int, bucket: str, webhook: Webhook | None
    ) -> None:
        place = self.next_place(owner, priority)
        record: JobRecord = self.queues.board.enqueue(
            owner=owner, priority=priority, bucket=bucket, webhook=webhook
        )
        self.jobs[record.id] = ModelJob(owner, priority, place, bucket, webhook=webhook)

    @rule(name=WORKERS, most=st.integers(1, 3))
    def claim(self, name: str, most: int) -> None:
        self.heard.add(name)
        share = math.ceil(len(self.queued()) / len(self.heard))
        expected = self.expected_claim(min(most, share))
        claims = self.queues.worker(name).claim(most)
        assert [claim.job.id for claim in claims] == expected
        for claim in claims:
            job = self.jobs[claim.job.id]
            job.status, job.token, job.attempt = "running", claim.token, job.attempt + 1
            self.turns[job.priority] = max(self.turns[job.priority], job.place)
            self.claims.append((name, claim))

    def expected_claim(self, most: int) -> list[str]:
        waiting = self.queued()
        if not waiting:
            return []
        head = self.jobs[waiting[0]]
        if not head.bucket or head.attempt:
            return waiting[:1]
        fits = takewhile(
            lambda i: self.jobs[i].bucket == head.bucket and not self.jobs[i].attempt,
            waiting,
        )
        return list(fits)[:most]

    @precondition(lambda self: self.claims)
    @rule(pick=PICK)
    def beat(self, pick: int) -> None:
        worker, claim, job = self.some_claim(pick)
        [holding] = worker.beat([claim])
        if job.token != claim.token:
            assert holding == Holding.LOST
        else:
            assert holding == (Holding.CANCEL if job.cancel else Holding.HELD)

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, status=st.sampled_from(["succeeded", "failed", "cancelled"]))
    def finish(self, pick: int, status: str) -> None:
        worker, claim, job = self.some_claim(pick)
        holds = job.token == claim.token
        if status == "succeeded":
            believed = worker.succeed(claim, result="digest")
        elif status == "failed":
            believed = worker.fail(claim, JobError("internal_error", "it broke"))
        else:
            believed = worker.cancelled(claim)
        assert believed == (holds or job.done_by == claim.token)
        if holds:
            job.done_by = claim.token
            job.end(status)

    @precondition(lambda self: self.claims)
    @rule(pick=PICK)
    def release(self, pick: int) -> None:
        worker, claim, job = self.some_claim(pick)
        assert worker.release(claim) == (job.token == claim.token)
        if job.token == claim.token:
            self.give_back(job)
            job.attempt -= job.status == "queued"

    @precondition(lambda self: self.jobs)
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        job_id = list(self.jobs)[pick % len(self.jobs)]
        self.queues.board.cancel(job_id)
        job = self.jobs[job_id]
        if job.status == "queued":
            job.end("cancelled")
        job.cancel = job.cancel or job.status == "running"

    @rule(pick=PICK)
    def lose_a_worker(self, pick: int) -> None:
        job_id = self.some("running", pick)
        if job_id is None:
            return
        self.queues.silence(job_id)
        assert self.queues.worker("a").reap() == 1
        job = self.jobs[job_id]
        if not job.cancel and job.attempt >= MAX_ATTEMPTS:
            job.end("failed")
        else:
            self.give_back(job)

    @rule(pick=PICK)
    def pass_a_deadline(self, pick: int) -> None:
        job_id = self.some("queued", pick)
        if job_id is not None:
            self.queues.age(job_id)
            self.queues.worker("a").reap()
            self.jobs[job_id].end("failed")

    def give_back(self, job: ModelJob) -> None:
        job.end("cancelled" if job.cancel else "queued")

    @invariant()
    def agrees(self) -> None:
        for job_id, job in self.jobs.items():
            record = self.queues.board.get(job_id)
            assert (record.status, record.attempt) == (job.status, job.attempt)

    @invariant()
    def stands_in_order(self) -> None:
        tag = "{" + self.queues.settings.key_prefix + "}"
        assert self.queues.client.zrange(f"{tag}:ready", 0, -1) == self.queued()

    @invariant()
    def owes_what_webhooks_want(self) -> None:
        tag = "{" + self.queues.settings.key_prefix + "}"
        owed = self.queues.client.zrange(f"{tag}:deliveries", 0, -1)
        assert sorted(owed) == sorted(i for i, job in self.jobs.items() if job.owes)

    def teardown(self) -> None:
        for job_id, job in self.jobs.items():
            types = self.queues.board.event_types(job_id)
            ends = [t for t in types if t in ("succeeded", "failed", "cancelled")]
            assert ends == ([] if job.status in ("queued", "running") else [job.status])


def test_the_queue_agrees_with_its_model(
    board: Any, client: redis.Redis, settings: Settings
) -> None:
    limits = settings.model_copy(update={"lease_s": 60.0, "max_attempts": MAX_ATTEMPTS})
    histories = iter(range(1_000_000))

    def machine() -> QueueMachine:
        prefix = f"{settings.key_prefix}-{next(histories)}"
        board.set_limits(key_prefix=prefix)
        changed = limits.model_copy(update={"key_prefix": prefix})
        return QueueMachine(Queues(board, client, changed))

    run_state_machine_as_test(cast("Any", machine), settings=PROFILE)


PROFILE = settings(
    max_examples=30,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
