"""Lost and damaged keys: one job may fail, and nothing else is held up."""

import json
import random
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

from kantor.service.queue import JobStatus, LeaseQueue, Webhook
from kantor.service.queue.keys import Keys
from kantor.service.queue.needed import needed
from kantor.service.settings import Settings

HOOK = Webhook("https://a.example/", "a.example", ["job.succeeded", "job.failed"])


@pytest.fixture
def keys(settings: Settings) -> Keys:
    return Keys(settings.key_prefix)


def drain(worker: LeaseQueue) -> None:
    """Carry out what there is, as workers would that reap with each heartbeat."""
    for _ in range(12):
        worker.reap()
        for claim in worker.claim(2):
            worker.beat([claim])
            worker.progress(claim, [{"step": 1, "max_steps": 2}])
            worker.succeed(claim, result="digest")


def test_a_job_without_its_hash_stops_no_recovery(
    board: Any, worker: LeaseQueue, client: redis.Redis, keys: Keys
) -> None:
    lost, other = board.enqueue(), board.enqueue()
    for _ in range(2):
        worker.claim()
    client.delete(keys("job", lost.id))
    client.zadd(keys("leases"), {lost.id: 0, other.id: 1})
    assert worker.reap() == 2
    assert board.get(other.id).status == JobStatus.QUEUED
    assert board.run(board.board.get(lost.id)) is None
    assert client.zscore(keys("index"), lost.id) is None


def test_what_was_set_aside_is_logged_once_and_counted(
    board: Any, worker: LeaseQueue, client: redis.Redis, keys: Keys
) -> None:
    job = board.enqueue()
    client.hdel(keys("job", job.id), "priority")
    with capture_logs() as lines:
        assert worker.claim() == []
        worker.reap()
        worker.reap()
    assert [(line["event"], line["job_id"]) for line in lines] == [
        ("job_damaged", job.id)
    ]
    assert board.run(board.board.stats()).totals["jobs_damaged"] == 1
    assert board.get(job.id).error.code == "job_damaged"


@pytest.mark.parametrize("field", ["config", "source", "labels"])
def test_a_record_that_cannot_be_read_fails_its_job_alone(
    board: Any, worker: LeaseQueue, client: redis.Redis, keys: Keys, field: str
) -> None:
    broken, other = board.enqueue(), board.enqueue()
    client.hset(keys("job", broken.id), field, "{broken")
    assert worker.claim() == []
    assert [claim.job.id for claim in worker.claim()] == [other.id]
    assert board.get(broken.id).error.code == "job_damaged"
    assert len(board.run(board.board.page())) == 2


def test_an_ended_job_stays_as_it_ended(
    board: Any, worker: LeaseQueue, client: redis.Redis, keys: Keys
) -> None:
    job = board.enqueue()
    worker.succeed(worker.claim()[0], result="digest")
    client.hset(keys("job", job.id), mapping={"labels": "{", "attempt": "x"})
    worker.reap()
    record = board.get(job.id)
    assert (record.status, record.result) == (JobStatus.SUCCEEDED, "digest")


@pytest.mark.parametrize("name", ["ready", "leases", "index", "expiries", "deliveries"])
@pytest.mark.parametrize("damage", ["lost", "wrong type"])
def test_a_lost_set_is_put_together_again(
    board: Any,
    worker: LeaseQueue,
    client: redis.Redis,
    keys: Keys,
    name: str,
    damage: str,
) -> None:
    jobs = [board.enqueue(webhook=HOOK) for _ in range(4)]
    worker.succeed(worker.claim()[0], result="digest")
    held = worker.claim()[0]
    client.delete(keys(name))
    if damage == "wrong type":
        client.set(keys(name), "?")
    drain(worker)
    client.zadd(keys("leases"), {held.job.id: 0}, xx=True)
    drain(worker)
    assert {board.get(job.id).status for job in jobs} == {JobStatus.SUCCEEDED}
    for kept in ("deliveries", "expiries", "index"):
        assert client.zcard(keys(kept)) == 4
    board.enqueue()


def test_arrivals_are_counted_on_from_the_newest(
    board: Any, worker: LeaseQueue, client: redis.Redis, keys: Keys
) -> None:
    ids = [board.enqueue().id for _ in range(3)]
    client.delete(keys("seq"), keys("turn"))
    worker.reap()
    ids.append(board.enqueue().id)
    listed = [job.id for _, job in board.run(board.board.page())]
    assert listed == ids[::-1]
    assert [worker.claim()[0].job.id for _ in ids] == ids


def test_a_quota_is_not_used_up_by_jobs_that_are_lost(
    board: Any, client: redis.Redis, keys: Keys, worker: LeaseQueue
) -> None:
    lost = board.enqueue(owner="ada", quota=1)
    client.delete(keys("job", lost.id))
    worker.reap()
    assert board.enqueue(owner="ada", quota=1).status == JobStatus.QUEUED


def damaged(client: redis.Redis, draw: random.Random, key: str) -> None:
    """Lose a key, change its type, or spoil a part of it."""
    kind = client.type(key)
    how = draw.choice(["lose", "retype", "spoil"])
    if how == "lose":
        client.delete(key)
    elif how == "retype":
        client.delete(key)
        client.rpush(key, "?") if kind != "list" else client.set(key, "?")
    elif kind == "hash":
        field = draw.choice(sorted(client.hkeys(key)))
        value = str(client.hget(key, field))
        spoilt = draw.choice(["", "?", value[: len(value) // 2], value + "}"])
        client.hset(key, field, spoilt)
    elif kind == "zset":
        member = draw.choice(client.zrange(key, 0, -1))
        client.zadd(key, {str(member): draw.choice([0, 1e15])})
    elif kind == "string":
        client.set(key, draw.choice(["", "?", "1e15"]))


@pytest.mark.parametrize("seed", range(60))
def test_one_damaged_key_holds_up_nothing_else(
    board: Any,
    worker: LeaseQueue,
    client: redis.Redis,
    settings: Settings,
    seed: int,
) -> None:
    draw = random.Random(seed)
    ids = [
        board.enqueue(owner=draw.choice(["ada", "bob"]), webhook=HOOK).id
        for _ in range(6)
    ]
    worker.succeed(worker.claim()[0], result="digest")
    held = worker.claim()
    tag = Keys(settings.key_prefix).tag
    victim = draw.choice(sorted(client.scan_iter(f"{tag}:*")))
    damaged(client, draw, victim)
    with capture_logs():
        drain(worker)
        worker.beat(held)
        later = [board.enqueue(owner=owner).id for owner in ("ada", "bob")]
        client.zadd(
            f"{tag}:leases", dict.fromkeys([c.job.id for c in held], 0), xx=True
        )
        drain(worker)
        records = [board.run(board.board.get(job_id)) for job_id in [*ids, *later]]
        assert len(board.run(board.board.page())) >= len(ids)
    unfinished = [r.id for r in records if r and not r.status.is_terminal]
    failed = [r for r in records if r is None or r.status != JobStatus.SUCCEEDED]
    assert unfinished == []
    assert len(failed) <= 1, victim
    needed(client, settings.key_prefix)


def test_the_reasons_are_readable(
    board: Any, worker: LeaseQueue, client: redis.Redis, keys: Keys
) -> None:
    job = board.enqueue()
    client.hset(keys("job", job.id), "attempt", "?")
    worker.claim()
    note = json.loads(client.lrange(keys("damaged"), 0, 0)[0])
    assert note["reason"] == "its attempt is no number"


@pytest.mark.parametrize("name", ["ready", "queued", "index", "deadlines", "bell"])
def test_a_job_is_accepted_whole_beside_a_damaged_key(
    board: Any, client: redis.Redis, keys: Keys, name: str
) -> None:
    """A script that fails half-way is not undone: the job had no status then."""
    client.set(keys(name), "not a set")
    job = board.enqueue(deadline_s=100.0)
    assert board.get(job.id).status == JobStatus.QUEUED
    assert job.status == JobStatus.QUEUED


@pytest.mark.parametrize("name", ["ready", "expiries", "deliveries", "ended", "totals"])
def test_a_job_ends_once_and_tells_it_beside_a_damaged_key(
    board: Any, worker: LeaseQueue, client: redis.Redis, keys: Keys, name: str
) -> None:
    """It was believed to have ended, or its webhook forgotten, and then ran again."""
    job = board.enqueue(webhook=HOOK, owner="ann")
    [claim] = worker.claim()
    damaged = keys("ended", "ann") if name == "ended" else keys(name)
    client.set(damaged, "not a set")
    assert worker.succeed(claim, result="digest")
    assert board.get(job.id).status == JobStatus.SUCCEEDED
    assert client.zscore(keys("deliveries"), job.id) is not None
    assert client.zscore(keys("leases"), job.id) is None


def test_a_notification_that_was_never_owed_is_owed_again(
    board: Any, worker: LeaseQueue, client: redis.Redis, keys: Keys
) -> None:
    job = board.enqueue(webhook=HOOK)
    [claim] = worker.claim()
    worker.succeed(claim, result="digest")
    client.zrem(keys("deliveries"), job.id)
    client.hdel(keys("job", job.id), "webhook_status", "webhook_due")
    worker.reap()
    assert client.zscore(keys("deliveries"), job.id) is not None
