from collections.abc import Callable
from typing import Any

import pytest
import redis

from kantor.service.queue import Holding, JobError, JobStatus, LeaseQueue
from kantor.service.settings import Settings

Lose = Callable[[str], int]


def test_a_claimed_job_is_running(board: Any, worker: LeaseQueue) -> None:
    job = board.enqueue()
    [claim] = worker.claim()
    assert claim.job.id == job.id
    assert claim.job.status == JobStatus.RUNNING
    assert claim.job.attempt == 1


def test_an_empty_queue_gives_nothing(worker: LeaseQueue) -> None:
    assert worker.claim() == []


def test_higher_priority_goes_first_then_arrival(
    board: Any, worker: LeaseQueue
) -> None:
    ids = [board.enqueue(priority=p).id for p in (0, 5, 0, 5)]
    claimed = [worker.claim()[0].job.id for _ in ids]
    assert claimed == [ids[1], ids[3], ids[0], ids[2]]


def test_jobs_of_one_bucket_are_claimed_together(
    board: Any, worker: LeaseQueue
) -> None:
    ids = [board.enqueue(bucket="p").id for _ in range(3)]
    assert [claim.job.id for claim in worker.claim(2)] == ids[:2]
    assert [claim.job.id for claim in worker.claim(2)] == ids[2:]


def test_a_claim_overtakes_nobody(board: Any, worker: LeaseQueue) -> None:
    ids = [board.enqueue(bucket=b).id for b in ("p", "q", "p", "p")]
    claimed = [[claim.job.id for claim in worker.claim(4)] for _ in range(3)]
    assert claimed == [ids[:1], ids[1:2], ids[2:]]


def test_jobs_of_lower_priority_follow_in_a_claim(
    board: Any, worker: LeaseQueue
) -> None:
    ids = [board.enqueue(bucket="p", priority=p).id for p in (0, 5)]
    assert [claim.job.id for claim in worker.claim(4)] == ids[::-1]


def test_a_claim_leaves_other_workers_their_share(
    board: Any, worker: LeaseQueue, other_worker: LeaseQueue
) -> None:
    other_worker.beat([])
    ids = [board.enqueue(bucket="p").id for _ in range(5)]
    assert [claim.job.id for claim in worker.claim(8)] == ids[:3]
    assert [claim.job.id for claim in other_worker.claim(8)] == ids[3:4]


def test_a_job_without_bucket_is_claimed_alone(board: Any, worker: LeaseQueue) -> None:
    for _ in range(2):
        board.enqueue()
    assert len(worker.claim(2)) == 1


def test_a_job_given_out_before_is_claimed_alone(
    board: Any, worker: LeaseQueue, lose_lease: Lose
) -> None:
    ids = [board.enqueue(bucket="p").id for _ in range(3)]
    worker.claim()
    lose_lease(ids[0])
    assert [claim.job.id for claim in worker.claim(3)] == [ids[0]]
    assert [claim.job.id for claim in worker.claim(3)] == ids[1:]


def test_a_job_given_out_before_ends_the_claim_of_others(
    board: Any, worker: LeaseQueue, lose_lease: Lose
) -> None:
    ids = [board.enqueue(bucket="p").id for _ in range(3)]
    first, _ = worker.claim(2)
    lose_lease(ids[1])
    worker.release(first)
    assert [claim.job.id for claim in worker.claim(3)] == ids[:1]
    assert [claim.job.id for claim in worker.claim(3)] == ids[1:2]


def test_success_is_recorded_once(board: Any, worker: LeaseQueue) -> None:
    job = board.enqueue()
    [claim] = worker.claim()
    assert worker.succeed(claim, result="digest", critic="other")
    assert worker.succeed(claim, result="digest", critic="other")  # a lost reply
    assert board.get(job.id).result == "digest"
    assert board.event_types(job.id) == ["queued", "running", "succeeded"]


def test_failure_keeps_code_and_detail(board: Any, worker: LeaseQueue) -> None:
    job = board.enqueue()
    [claim] = worker.claim()
    worker.fail(claim, JobError("invalid_input", "expected numbers"))
    assert board.get(job.id).error == JobError("invalid_input", "expected numbers")


def test_a_silent_workers_job_is_queued_again(
    board: Any, worker: LeaseQueue, lose_lease: Lose
) -> None:
    job = board.enqueue()
    worker.claim()
    assert lose_lease(job.id) == 1
    assert board.get(job.id).status == JobStatus.QUEUED


def test_a_zombie_cannot_commit(
    board: Any, worker: LeaseQueue, other_worker: LeaseQueue, lose_lease: Lose
) -> None:
    job = board.enqueue()
    [zombie] = worker.claim()
    lose_lease(job.id)
    [claim] = other_worker.claim()
    assert not worker.succeed(zombie, result="stale")
    assert other_worker.succeed(claim, result="fresh")
    assert not worker.succeed(zombie, result="stale")
    assert board.get(job.id).result == "fresh"


def test_a_zombie_cannot_commit_while_the_job_is_queued(
    board: Any, worker: LeaseQueue, lose_lease: Lose
) -> None:
    job = board.enqueue()
    [zombie] = worker.claim()
    lose_lease(job.id)
    assert not worker.succeed(zombie, result="stale")
    assert board.get(job.id).status == JobStatus.QUEUED


def test_a_token_of_the_same_worker_does_not_repeat(
    board: Any, worker: LeaseQueue
) -> None:
    board.enqueue()
    [first] = worker.claim()
    worker.release(first)
    [second] = worker.claim()
    assert first.token != second.token
    assert worker.beat([first, second]) == [Holding.LOST, Holding.HELD]


def test_a_zombies_heartbeat_steals_nothing(
    board: Any, worker: LeaseQueue, other_worker: LeaseQueue, lose_lease: Lose
) -> None:
    job = board.enqueue()
    [zombie] = worker.claim()
    lose_lease(job.id)
    [claim] = other_worker.claim()
    assert worker.beat([zombie]) == [Holding.LOST]
    assert other_worker.beat([claim]) == [Holding.HELD]


def test_a_poison_job_fails_after_its_attempts(
    board: Any, worker: LeaseQueue, settings: Settings, lose_lease: Lose
) -> None:
    job = board.enqueue()
    for _ in range(settings.max_attempts):
        worker.claim()
        lose_lease(job.id)
    assert board.get(job.id).error.code == "worker_lost"
    assert worker.claim() == []


def test_release_keeps_place_and_attempt(board: Any, worker: LeaseQueue) -> None:
    first, _ = board.enqueue(), board.enqueue()
    [claim] = worker.claim()
    assert worker.release(claim, "checkpoint-digest")
    [again] = worker.claim()
    assert again.job.id == first.id
    assert again.job.attempt == 1
    assert again.job.checkpoint == "checkpoint-digest"


def test_nothing_is_reaped_after_a_silence_of_everybody(
    board: Any, worker: LeaseQueue, client: redis.Redis, settings: Settings
) -> None:
    job = board.enqueue()
    worker.claim()
    tag = "{" + settings.key_prefix + "}"
    client.set(f"{tag}:seen", 0)
    client.zadd(f"{tag}:leases", {job.id: 0})
    assert worker.reap() == 0
    assert board.get(job.id).status == JobStatus.RUNNING


def test_grace_ends(
    board: Any, worker: LeaseQueue, client: redis.Redis, settings: Settings
) -> None:
    test_nothing_is_reaped_after_a_silence_of_everybody(board, worker, client, settings)
    tag = "{" + settings.key_prefix + "}"
    client.set(f"{tag}:grace", 1)
    assert worker.reap() == 1


def test_cancel_of_a_running_job_reaches_its_holder(
    board: Any, worker: LeaseQueue
) -> None:
    job = board.enqueue()
    [claim] = worker.claim()
    assert board.cancel(job.id).status == JobStatus.RUNNING
    assert worker.beat([claim]) == [Holding.CANCEL]
    assert worker.cancelled(claim)
    assert board.get(job.id).status == JobStatus.CANCELLED


def test_a_lost_job_that_was_cancelled_is_not_run_again(
    board: Any, worker: LeaseQueue, lose_lease: Lose
) -> None:
    job = board.enqueue()
    worker.claim()
    board.cancel(job.id)
    lose_lease(job.id)
    assert board.get(job.id).status == JobStatus.CANCELLED


def test_release_of_a_cancelled_job_ends_it(board: Any, worker: LeaseQueue) -> None:
    job = board.enqueue()
    [claim] = worker.claim()
    board.cancel(job.id)
    worker.release(claim)
    assert board.get(job.id).status == JobStatus.CANCELLED


def test_a_deadline_reaches_the_holder(
    board: Any, worker: LeaseQueue, client: redis.Redis, settings: Settings
) -> None:
    job = board.enqueue(deadline_s=60.0)
    [claim] = worker.claim()
    client.hset("{" + settings.key_prefix + "}:job:" + job.id, "deadline_at", "1")
    assert worker.beat([claim]) == [Holding.DEADLINE]


@pytest.mark.parametrize("step", ["claim", "reap"])
def test_a_queued_job_past_its_deadline_fails(
    board: Any, worker: LeaseQueue, client: redis.Redis, settings: Settings, step: str
) -> None:
    job = board.enqueue(deadline_s=60.0)
    tag = "{" + settings.key_prefix + "}"
    client.hset(f"{tag}:job:{job.id}", "deadline_at", "1")
    client.zadd(f"{tag}:deadlines", {job.id: 1})
    getattr(worker, step)()
    assert board.get(job.id).error.code == "deadline_exceeded"


def test_progress_is_kept_and_published(board: Any, worker: LeaseQueue) -> None:
    job = board.enqueue()
    [claim] = worker.claim()
    assert worker.progress(claim, [{"step": 1}, {"step": 2}])
    assert board.get(job.id).progress == {"step": 2}
    assert board.event_types(job.id)[-2:] == ["progress", "progress"]


def test_progress_of_a_zombie_is_refused(
    board: Any, worker: LeaseQueue, lose_lease: Lose
) -> None:
    job = board.enqueue()
    [zombie] = worker.claim()
    lose_lease(job.id)
    assert not worker.progress(zombie, [{"step": 1}])
    assert board.get(job.id).progress is None


def test_events_are_trimmed(board: Any, worker: LeaseQueue, settings: Settings) -> None:
    job = board.enqueue()
    [claim] = worker.claim()
    worker.progress(claim, [{"step": i} for i in range(settings.max_events + 5)])
    assert len(board.event_types(job.id)) == settings.max_events
