"""No owner's jobs hold up another's, and nobody fills the server."""

from collections.abc import Callable
from typing import Any

import pytest
import redis

from kantor.service.queue import JobStatus, LeaseQueue, PriorityTooHigh, QueueFull
from kantor.service.settings import Settings

Capped = Callable[..., list[LeaseQueue]]


@pytest.fixture
def capped(client: redis.Redis, settings: Settings) -> Capped:
    """Return what makes workers of which one owner may keep some busy."""

    def workers(number: int, *, most_of_one: int) -> list[LeaseQueue]:
        limits = settings.model_copy(update={"max_workers_per_key": most_of_one})
        names = [f"host-{i}-{i:08x}" for i in range(number)]
        return [LeaseQueue(client, limits, name) for name in names]

    return workers


def claimed_owners(worker: LeaseQueue, number: int) -> list[str]:
    owners = []
    for _ in range(number):
        [claim] = worker.claim()
        worker.cancelled(claim)
        owners.append(claim.job.owner)
    return owners


def test_owners_take_turns(board: Any, worker: LeaseQueue) -> None:
    for owner in ["ada"] * 20 + ["bob"] * 3:
        board.enqueue(owner=owner)
    assert claimed_owners(worker, 8) == ["ada", "bob"] * 3 + ["ada"] * 2


def test_owners_share_a_claim(board: Any, worker: LeaseQueue) -> None:
    for owner in ["ada"] * 20 + ["bob"] * 3:
        board.enqueue(owner=owner, bucket="p")
    owners = [claim.job.owner for claim in worker.claim(8)]
    assert owners == ["ada", "bob"] * 3 + ["ada"] * 2


def test_a_job_of_another_kind_waits_for_one_as_if_all_went_alone(
    board: Any, worker: LeaseQueue
) -> None:
    for _ in range(20):
        board.enqueue(owner="ada", bucket="p")
    worker.claim(8)
    late = board.enqueue(owner="bob", bucket="q")
    assert late.position <= 1
    assert len(worker.claim(8)) == 1
    assert worker.claim(8)[0].job.owner == "bob"


def test_one_job_waits_for_one_of_another_owner(board: Any, worker: LeaseQueue) -> None:
    for _ in range(100):
        board.enqueue(owner="ada")
    claimed_owners(worker, 10)
    late = board.enqueue(owner="bob")
    assert late.position <= 1
    assert "bob" in claimed_owners(worker, 2)


def test_waiting_jobs_are_no_debt_once_they_are_cancelled(
    board: Any, worker: LeaseQueue
) -> None:
    for job in [board.enqueue(owner="ada") for _ in range(50)]:
        board.cancel(job.id)
    board.enqueue(owner="bob")
    board.enqueue(owner="bob")
    assert board.enqueue(owner="ada").position <= 1


def test_saving_up_turns_gains_nothing(board: Any, worker: LeaseQueue) -> None:
    for _ in range(10):
        board.enqueue(owner="ada")
    claimed_owners(worker, 10)
    for owner in ["ada"] * 2 + ["bob"] * 10:  # bob has had no turn so far
        board.enqueue(owner=owner)
    assert claimed_owners(worker, 4) == ["ada", "bob"] * 2


def test_a_job_given_back_is_first_again(board: Any, worker: LeaseQueue) -> None:
    first = board.enqueue(owner="ada")
    [claim] = worker.claim()
    for owner in ("bob", "cleo"):
        board.enqueue(owner=owner)
    worker.release(claim)
    assert board.get(first.id).position == 0


def test_one_owner_keeps_no_more_workers_busy_than_it_may(
    board: Any, capped: Capped
) -> None:
    workers = capped(4, most_of_one=2)
    for _ in range(100):
        board.enqueue(owner="eve", priority=5)
    held = [worker.claim() for worker in workers]
    assert [len(claims) for claims in held] == [1, 1, 0, 0]
    board.enqueue(owner="ada")  # of lower priority, and behind a hundred
    assert [claim.job.owner for claim in workers[2].claim()] == ["ada"]
    workers[0].cancelled(held[0][0])
    assert [claim.job.owner for claim in workers[3].claim()] == ["eve"]


def test_jobs_that_one_worker_runs_together_keep_one_worker_busy(
    board: Any, capped: Capped
) -> None:
    first, second = capped(2, most_of_one=2)
    for _ in range(8):
        board.enqueue(owner="eve", bucket="small")
    assert len(first.claim(most=2)) == 2
    assert len(second.claim(most=2)) == 2


def test_without_keys_every_worker_may_be_busy(board: Any, capped: Capped) -> None:
    workers = capped(2, most_of_one=1)
    for _ in range(2):
        board.enqueue(owner="")
    assert [len(worker.claim()) for worker in workers] == [1, 1]


def test_a_priority_over_the_cap_is_refused(board: Any) -> None:
    board.set_limits(max_priority=2)
    board.enqueue(priority=2)
    with pytest.raises(PriorityTooHigh, match=r"at most 2 .*, received 3"):
        board.enqueue(priority=3)


def test_only_the_newest_ended_jobs_of_an_owner_are_kept(board: Any) -> None:
    board.set_limits(max_kept_per_key=3)
    other = board.enqueue(owner="bob")
    board.cancel(other.id)
    jobs = [board.enqueue(owner="ada") for _ in range(5)]
    for job in jobs:
        board.cancel(job.id)
    kept = board.run(board.board.page(owner="ada"))
    assert [job.id for _, job in kept] == [job.id for job in reversed(jobs[2:])]
    assert board.get(other.id).status == JobStatus.CANCELLED


def test_answers_from_the_cache_fill_nothing(board: Any, worker: LeaseQueue) -> None:
    board.set_limits(max_kept_per_key=10)
    board.enqueue(cache_key="question")
    worker.succeed(worker.claim()[0], result="digest")
    for _ in range(30):
        board.enqueue(cache_key="question")
    assert len(board.run(board.board.page(limit=100))) == 10


def test_unfinished_jobs_are_not_displaced(board: Any) -> None:
    board.set_limits(max_kept_per_key=1)
    waiting = [board.enqueue() for _ in range(3)]
    for _ in range(3):
        board.cancel(board.enqueue().id)
    assert {board.get(job.id).status for job in waiting} == {JobStatus.QUEUED}


@pytest.fixture
def small_memory(client: redis.Redis, prefix: str) -> Any:
    ballast = f"{prefix}:ballast"  # so that the rest is more than tables grow by
    client.set(ballast, bytes(20_000_000))
    used = int(client.info("memory")["used_memory"])
    client.config_set("maxmemory", int(used / 0.97))
    yield
    client.config_set("maxmemory", 0)
    client.delete(ballast)


@pytest.mark.usefixtures("small_memory")
def test_a_server_that_is_nearly_full_takes_no_jobs_and_ends_those_it_has(
    board: Any, worker: LeaseQueue, client: redis.Redis
) -> None:
    board.enqueue()
    worker.reap()
    with pytest.raises(QueueFull):
        board.enqueue()
    assert worker.succeed(worker.claim()[0], result="digest")
    client.config_set("maxmemory", 0)
    worker.reap()
    board.enqueue()


def test_keys_of_two_owners_do_not_meet(
    board: Any, client: redis.Redis, settings: Settings
) -> None:
    first = board.enqueue(owner="team", idempotency_key="ada:nightly", body_digest="d")
    other = board.enqueue(owner="team:ada", idempotency_key="nightly", body_digest="d")
    assert first.id != other.id
