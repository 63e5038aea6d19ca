import asyncio
import time
from typing import Any

import pytest
import redis

from kantor.service.queue import (
    IdempotencyConflict,
    JobActive,
    JobError,
    JobStatus,
    LeaseQueue,
    QueueFull,
    QuotaExceeded,
)
from kantor.service.settings import Settings


def test_a_new_job_is_queued(board: Any) -> None:
    job = board.enqueue(labels={"run": "a"}, config={"seed": 3}, owner="key-1")
    assert job.status == JobStatus.QUEUED
    assert (job.labels, job.config, job.owner) == ({"run": "a"}, {"seed": 3}, "key-1")
    assert job.started_at is None


def test_an_unknown_job_is_none(board: Any) -> None:
    assert board.run(board.board.get("job_none")) is None
    assert board.cancel("job_none") is None
    assert board.run(board.board.delete("job_none")) is False


def test_an_id_is_accepted_once(board: Any, worker: LeaseQueue) -> None:
    for _ in range(2):  # the second call follows a lost reply
        board.enqueue(id="job_same")
    assert len(worker.claim()) == 1
    assert worker.claim() == []


def test_position_counts_those_before(board: Any) -> None:
    ids = [board.enqueue(priority=p).id for p in (0, 0, 1)]
    positions = [board.get(job_id).position for job_id in ids]
    assert positions == [1, 2, 0]


def test_a_full_queue_refuses(board: Any) -> None:
    board.set_limits(max_queued=1)
    board.enqueue()
    with pytest.raises(QueueFull):
        board.enqueue()


def test_an_owner_has_a_quota(board: Any, worker: LeaseQueue) -> None:
    board.enqueue(owner="a", quota=1)
    with pytest.raises(QuotaExceeded):
        board.enqueue(owner="a", quota=1)
    board.enqueue(owner="b", quota=1)
    [claim] = worker.claim()
    worker.cancelled(claim)
    board.enqueue(owner="a", quota=1)


def test_an_idempotency_key_names_one_job(board: Any) -> None:
    first = board.enqueue(idempotency_key="k", body_digest="d")
    again = board.enqueue(idempotency_key="k", body_digest="d")
    assert again.id == first.id


def test_an_idempotency_key_with_another_body_is_refused(board: Any) -> None:
    board.enqueue(idempotency_key="k", body_digest="d")
    with pytest.raises(IdempotencyConflict):
        board.enqueue(idempotency_key="k", body_digest="e")


def test_idempotency_keys_of_two_owners_differ(board: Any) -> None:
    first = board.enqueue(idempotency_key="k", body_digest="d", owner="a")
    other = board.enqueue(idempotency_key="k", body_digest="e", owner="b")
    assert first.id != other.id


def test_cancel_of_a_queued_job_ends_it(board: Any, worker: LeaseQueue) -> None:
    job = board.enqueue()
    assert board.cancel(job.id).status == JobStatus.CANCELLED
    assert worker.claim() == []


def test_cancel_of_an_ended_job_changes_nothing(board: Any, worker: LeaseQueue) -> None:
    job = board.enqueue()
    [claim] = worker.claim()
    worker.succeed(claim, result="digest")
    assert board.cancel(job.id) == board.get(job.id)
    assert board.get(job.id).status == JobStatus.SUCCEEDED


def test_pages_go_from_newest_to_oldest(board: Any) -> None:
    ids = [board.enqueue(owner=o).id for o in ("a", "b", "a", "a")]
    first = board.run(board.board.page(owner="a", limit=2))
    rest = board.run(board.board.page(owner="a", limit=2, before=first[-1][0]))
    assert [job.id for _, job in first + rest] == [ids[3], ids[2], ids[0]]


def test_a_job_deleted_meanwhile_does_not_shorten_its_page(
    board: Any, client: redis.Redis, settings: Settings
) -> None:
    ids = [board.enqueue().id for _ in range(3)]
    client.delete("{" + settings.key_prefix + "}:job:" + ids[1])  # after the index
    page = board.run(board.board.page(limit=2))
    assert [job and job.id for _, job in page] == [ids[2], None]


def test_delete_forgets_an_ended_job(
    board: Any, client: redis.Redis, settings: Settings
) -> None:
    job = board.enqueue()
    with pytest.raises(JobActive):
        board.run(board.board.delete(job.id))
    board.cancel(job.id)
    assert board.run(board.board.delete(job.id))
    assert list(client.scan_iter(f"*{settings.key_prefix}*{job.id}*")) == []
    assert board.run(board.board.page()) == []


def test_an_ended_job_is_forgotten_in_time(
    board: Any, client: redis.Redis, settings: Settings
) -> None:
    job = board.enqueue()
    board.cancel(job.id)
    client.zadd("{" + settings.key_prefix + "}:expiries", {job.id: 1})
    board.run(board.board.reap())
    assert board.run(board.board.get(job.id)) is None


def test_events_are_followed_to_the_end(board: Any, worker: LeaseQueue) -> None:
    job = board.enqueue()

    async def follow() -> list[str]:
        return [event.type async for event in board.board.events(job.id)]

    async def both() -> list[str]:
        following = asyncio.create_task(follow())
        await asyncio.sleep(0.05)
        await board.board.cancel(job.id)
        return await following

    assert board.run(both()) == ["queued", "cancelled"]


def test_an_end_between_a_read_and_the_next_is_not_missed(
    board: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = board.enqueue()
    has_ended = board.board._has_ended

    async def end_just_before(job_id: str) -> bool:
        await board.board.cancel(job_id)
        return bool(await has_ended(job_id))

    async def follow() -> list[str]:
        return [event.type async for event in board.board.events(job.id)]

    monkeypatch.setattr(board.board, "_has_ended", end_just_before)
    assert board.run(follow()) == ["queued", "cancelled"]


def test_events_resume_after_the_one_seen(board: Any) -> None:
    job = board.enqueue()
    board.cancel(job.id)
    first = board.run(board.board.history(job.id))[0]

    async def follow() -> list[str]:
        return [event.type async for event in board.board.events(job.id, first.id)]

    assert board.run(follow()) == ["cancelled"]


def test_a_new_job_wakes_a_waiting_worker(board: Any, worker: LeaseQueue) -> None:
    assert worker.claim() == []
    board.enqueue()
    started = time.monotonic()
    worker.wait_for_bell()
    assert time.monotonic() - started < 0.5


def test_an_equal_question_is_answered_at_once(board: Any, worker: LeaseQueue) -> None:
    first = board.enqueue(cache_key="question")
    assert not first.cached
    [claim] = worker.claim()
    worker.succeed(claim, result="digest", critic="other")
    twin = board.enqueue(cache_key="question")
    assert (twin.status, twin.cached) == (JobStatus.SUCCEEDED, True)
    assert (twin.result, twin.critic) == ("digest", "other")
    assert board.event_types(twin.id) == ["queued", "succeeded"]


def test_a_deleted_answer_is_computed_again(board: Any, worker: LeaseQueue) -> None:
    first = board.enqueue(cache_key="question")
    [claim] = worker.claim()
    worker.succeed(claim, result="digest")
    board.run(board.board.delete(first.id))
    assert board.enqueue(cache_key="question").status == JobStatus.QUEUED


def test_a_failed_job_answers_nothing(board: Any, worker: LeaseQueue) -> None:
    board.enqueue(cache_key="question")
    [claim] = worker.claim()
    worker.fail(claim, JobError("internal_error", "it broke"))
    assert board.enqueue(cache_key="question").status == JobStatus.QUEUED


def test_stats_count(board: Any, worker: LeaseQueue) -> None:
    for _ in range(3):
        board.enqueue()
    [claim] = worker.claim()
    worker.succeed(claim, result="digest")
    worker.claim()
    stats = board.run(board.board.stats())
    assert (stats.queued, stats.running, len(stats.live_workers)) == (1, 1, 1)
    assert stats.totals["submitted"] == 3
    assert stats.totals["succeeded"] == stats.totals["run_le_1"] == 1
    assert stats.oldest_queued_s < 5.0


def test_a_burst_is_allowed_and_then_the_rate(board: Any) -> None:
    verdicts = [
        board.run(board.board.take_token("key", per_minute=60, burst=2))
        for _ in range(3)
    ]
    assert [v.allowed for v in verdicts] == [True, True, False]
    assert [v.remaining for v in verdicts] == [1, 0, 0]
    assert 0.5 < verdicts[2].retry_after_s <= 1.0


def test_rates_of_two_holders_are_apart(board: Any) -> None:
    for name in ("a", "b"):
        assert board.run(board.board.take_token(name, per_minute=1, burst=1)).allowed
