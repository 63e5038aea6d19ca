"""Whatever way a job ends, its webhook is owed one notification; once and bounded."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

from kantor.service.queue import (
    Attempt,
    Delivery,
    DeliveryQueue,
    JobError,
    LeaseQueue,
    Verdict,
    Webhook,
)
from kantor.service.queue.broker import connect_async
from kantor.service.queue.deliveries import PER_HOST
from kantor.service.settings import Settings

ALL = ["job.succeeded", "job.failed", "job.cancelled"]
HOOK = Webhook("https://hooks.example/a", "hooks.example", ALL)
NO_ANSWER = Attempt(error="no answer")


class Ways:
    """Every way in which a job can end."""

    def __init__(
        self, board: Any, worker: LeaseQueue, lose: Callable[..., int]
    ) -> None:
        self.board, self.worker, self.lose = board, worker, lose

    def success(self) -> str:
        self.board.enqueue(webhook=HOOK)
        [claim] = self.worker.claim()
        self.worker.succeed(claim, result="digest")
        return str(claim.job.id)

    def cached_success(self) -> str:
        self.board.enqueue(cache_key="same")
        [claim] = self.worker.claim()
        self.worker.succeed(claim, result="digest")
        return str(self.board.enqueue(cache_key="same", webhook=HOOK).id)

    def failure(self) -> str:
        self.board.enqueue(webhook=HOOK)
        [claim] = self.worker.claim()
        self.worker.fail(claim, JobError("internal_error", "it broke"))
        return str(claim.job.id)

    def loss_of_workers(self) -> str:
        self.board.enqueue(webhook=HOOK)
        for _ in range(3):
            [claim] = self.worker.claim()
            self.lose(claim.job.id)
        return str(claim.job.id)

    def deadline_seen_by_reap(self) -> str:
        job = self.board.enqueue(webhook=HOOK, deadline_s=0.001)
        time.sleep(0.01)
        self.worker.reap()
        return str(job.id)

    def deadline_seen_by_claim(self) -> str:
        job = self.board.enqueue(webhook=HOOK, deadline_s=0.001)
        time.sleep(0.01)
        assert self.worker.claim() == []
        return str(job.id)

    def deadline_while_running(self) -> str:
        self.board.enqueue(webhook=HOOK, deadline_s=60)
        [claim] = self.worker.claim()
        self.worker.fail(claim, JobError("deadline_exceeded", "late"))
        return str(claim.job.id)

    def cancel_while_queued(self) -> str:
        job = self.board.enqueue(webhook=HOOK)
        self.board.cancel(job.id)
        return str(job.id)

    def cancel_while_running(self) -> str:
        self.board.enqueue(webhook=HOOK)
        [claim] = self.worker.claim()
        self.board.cancel(claim.job.id)
        self.worker.cancelled(claim)
        return str(claim.job.id)

    def cancel_of_a_lost_job(self) -> str:
        self.board.enqueue(webhook=HOOK)
        [claim] = self.worker.claim()
        self.board.cancel(claim.job.id)
        self.lose(claim.job.id)
        return str(claim.job.id)

    def cancel_seen_by_release(self) -> str:
        self.board.enqueue(webhook=HOOK)
        [claim] = self.worker.claim()
        self.board.cancel(claim.job.id)
        self.worker.release(claim)
        return str(claim.job.id)


WAYS = [name for name in vars(Ways) if not name.startswith("_")]


class Deliveries:
    """Call the asynchronous queue of notifications from a synchronous test."""

    def __init__(self, board: Any, client: redis.Redis, settings: Settings) -> None:
        assert settings.redis_url is not None
        self._run = board.run
        self._client = client
        self._key = "{" + settings.key_prefix + "}:deliveries"
        self.connection = connect_async(settings.redis_url.get_secret_value())
        self.queue = DeliveryQueue(self.connection, settings)

    def owed(self) -> list[str]:
        return [str(job_id) for job_id in self._client.zrange(self._key, 0, -1)]

    def make_due(self, job_id: str) -> None:
        self._client.zadd(self._key, {job_id: 0})

    def claim(self, most: int = 1, **in_flight: int) -> list[Delivery]:
        hosts = {name.replace("_", "."): n for name, n in in_flight.items()}
        claim = self.queue.claim(most, in_flight=hosts, max_attempts=3)
        found: list[Delivery] = self._run(claim)
        return found

    def settle(self, delivery: Delivery, verdict: Verdict, delay_s: float = 9) -> bool:
        settle = self.queue.settle(delivery, verdict, NO_ANSWER, delay_s=delay_s)
        return bool(self._run(settle))

    def close(self) -> None:
        self._run(self.connection.aclose())


@pytest.fixture
def deliveries(board: Any, client: redis.Redis, settings: Settings) -> Any:
    deliveries = Deliveries(board, client, settings)
    yield deliveries
    deliveries.close()


@pytest.mark.parametrize("way", WAYS)
def test_every_end_owes_one_notification(
    way: str, board: Any, worker: LeaseQueue, lose_lease: Any, deliveries: Deliveries
) -> None:
    job_id = getattr(Ways(board, worker, lose_lease), way)()
    assert board.get(job_id).status.is_terminal
    assert board.get(job_id).webhook.status == "pending"
    assert deliveries.owed() == [job_id]


def test_nothing_is_owed_before_the_end(
    board: Any, worker: LeaseQueue, deliveries: Deliveries
) -> None:
    job = board.enqueue(webhook=HOOK)
    worker.claim()
    assert board.get(job.id).webhook.status == "waiting"
    assert deliveries.owed() == []


def test_an_end_that_is_not_asked_for_is_not_told(
    board: Any, deliveries: Deliveries
) -> None:
    job = board.enqueue(webhook=Webhook(HOOK.url, HOOK.host, ["job.failed"]))
    board.cancel(job.id)
    assert board.get(job.id).webhook.status == "skipped"
    assert deliveries.owed() == []


def ended_job(board: Any, host: str = HOOK.host) -> str:
    job = board.enqueue(webhook=Webhook(f"https://{host}/a", host, ALL))
    board.cancel(job.id)
    return str(job.id)


def test_a_notification_is_leased_to_one(board: Any, deliveries: Deliveries) -> None:
    job_id = ended_job(board)
    [delivery] = deliveries.claim()
    assert (delivery.job.id, delivery.attempt) == (job_id, 1)
    assert deliveries.claim() == []


def test_delivery_ends_it(board: Any, deliveries: Deliveries) -> None:
    job_id = ended_job(board)
    [delivery] = deliveries.claim()
    assert deliveries.settle(delivery, Verdict.DELIVERED)
    assert board.get(job_id).webhook.status == "delivered"
    assert deliveries.owed() == []


def test_a_retry_waits_and_says_when(board: Any, deliveries: Deliveries) -> None:
    job_id = ended_job(board)
    [delivery] = deliveries.claim()
    deliveries.settle(delivery, Verdict.RETRY, delay_s=100)
    webhook = board.get(job_id).webhook
    assert deliveries.claim() == []
    assert (webhook.status, webhook.last_error) == ("pending", "no answer")
    assert webhook.next_attempt_at - webhook.last_attempt_at == pytest.approx(100)


def test_a_sender_that_dies_is_replaced(board: Any, deliveries: Deliveries) -> None:
    job_id = ended_job(board)
    [lost] = deliveries.claim()
    deliveries.make_due(job_id)
    [again] = deliveries.claim()
    assert again.attempt == 2
    assert not deliveries.settle(lost, Verdict.FAILED)
    assert board.get(job_id).webhook.status == "pending"


def test_senders_that_all_die_are_not_replaced_for_ever(
    board: Any, deliveries: Deliveries
) -> None:
    job_id = ended_job(board)
    for _ in range(3):
        assert len(deliveries.claim()) == 1
        deliveries.make_due(job_id)
    assert deliveries.claim() == []
    assert board.get(job_id).webhook.status == "failed"
    assert deliveries.owed() == []


def test_a_busy_host_holds_up_no_other(board: Any, deliveries: Deliveries) -> None:
    for _ in range(300):
        ended_job(board)
    other = ended_job(board, "other.example")
    claimed = deliveries.claim(32, hooks_example=PER_HOST)
    assert [delivery.job.id for delivery in claimed] == [other]


def test_one_host_gets_a_few_at_a_time(board: Any, deliveries: Deliveries) -> None:
    for _ in range(PER_HOST + 3):
        ended_job(board)
    assert len(deliveries.claim(32, hooks_example=2)) == PER_HOST - 2


def test_a_deleted_job_owes_nothing(board: Any, deliveries: Deliveries) -> None:
    job_id = ended_job(board)
    [delivery] = deliveries.claim()
    board.run(board.board.delete(job_id))
    assert deliveries.owed() == []
    assert not deliveries.settle(delivery, Verdict.RETRY)
    assert board.run(board.board.get(job_id)) is None


def test_figures_count_what_became_of_it(board: Any, deliveries: Deliveries) -> None:
    ended_job(board)
    [delivery] = deliveries.claim()
    deliveries.settle(delivery, Verdict.RETRY)
    stats = board.run(board.board.stats())
    assert (stats.webhooks_pending, stats.totals["webhooks_retried"]) == (1, 1)
