"""Heartbeats and reports, while the training knows nothing of them."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from kantor.service.queue import Claim, Holding, LeaseQueue
from kantor.service.settings import Settings
from kantor.service.worker.lifeline import Lifeline

PATIENCE_S = 5.0


@pytest.fixture
def queue(client: redis.Redis, settings: Settings) -> LeaseQueue:
    return LeaseQueue(client, settings, "worker")


@pytest.fixture
def claim(board: Any, queue: LeaseQueue) -> Claim:
    board.enqueue()
    [claim] = queue.claim()
    return claim


@pytest.fixture
def lifeline(queue: LeaseQueue, settings: Settings, claim: Claim) -> Iterator[Lifeline]:
    lifeline = Lifeline(queue, settings)
    lifeline.hold([claim])
    lifeline.start()
    yield lifeline
    lifeline.end()


def wait_for(condition: Any) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.usefixtures("lifeline")
def test_a_lease_outlives_its_length(
    board: Any, claim: Claim, settings: Settings
) -> None:
    time.sleep(2 * settings.lease_s)
    job = board.get(claim.job.id)
    assert (job.status, job.attempt) == ("running", 1)


def test_a_cancel_is_learnt(board: Any, lifeline: Lifeline, claim: Claim) -> None:
    assert lifeline.holding(claim) is Holding.HELD
    board.cancel(claim.job.id)
    wait_for(lambda: lifeline.holding(claim) is Holding.CANCEL)


def test_reports_arrive_in_order(board: Any, lifeline: Lifeline, claim: Claim) -> None:
    for step in range(5):
        lifeline.report(claim, {"step": step})
    wait_for(lambda: (board.get(claim.job.id).progress or {}).get("step") == 4)
    history = board.run(board.board.history(claim.job.id))
    told = [event.data["step"] for event in history if event.type == "progress"]
    assert told == list(range(5))


def test_reports_wait_for_a_server_that_is_away(
    queue: LeaseQueue, settings: Settings, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifeline = Lifeline(queue, settings)  # not started: the test sends by itself
    lifeline.hold([claim])
    sent: list[list[dict[str, Any]]] = []
    answers = iter([redis.ConnectionError("away"), None])

    def progress(_: Claim, reports: list[dict[str, Any]]) -> bool:
        if (failure := next(answers)) is not None:
            raise failure
        sent.append(reports)
        return True

    monkeypatch.setattr(queue, "progress", progress)
    for step in range(2):
        lifeline.report(claim, {"step": step})
    with pytest.raises(redis.ConnectionError):
        lifeline.flush(claim)
    lifeline.flush(claim)
    assert sent == [[{"step": 0}, {"step": 1}]]
