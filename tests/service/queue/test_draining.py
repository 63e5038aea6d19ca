"""Workers that are drained claim nothing, and everybody can see it."""

from typing import Any

import pytest
import redis

from kantor.service.queue import Draining, LeaseQueue, QueueStats
from kantor.service.queue.draining import EVERYBODY, ask_drain
from kantor.service.queue.inspection import queue_stats
from kantor.service.queue.keys import Keys
from kantor.service.settings import Settings

WORKER, NEIGHBOUR, OTHER = "gpu-1-7-0a1b2c", "gpu-1-8-ffffff", "gpu-2-7-0a1b2c"


@pytest.fixture
def drain(client: redis.Redis, settings: Settings) -> Any:
    return lambda what, *names: ask_drain(client, settings, what, [*names])


@pytest.fixture
def workers(client: redis.Redis, settings: Settings) -> dict[str, LeaseQueue]:
    names = (WORKER, NEIGHBOUR, OTHER)
    return {name: LeaseQueue(client, settings, name) for name in names}


def claiming(board: Any, workers: dict[str, LeaseQueue]) -> set[str]:
    """Return the workers that are given a job; whoever gets one ends it."""
    found = set()
    for name, worker in workers.items():
        job = board.enqueue()
        if claims := worker.claim():
            found.add(name)
            worker.cancelled(claims[0])
        board.cancel(job.id)
    return found


@pytest.mark.parametrize(
    ("name", "left"),
    [
        (EVERYBODY, set()),
        (WORKER, {NEIGHBOUR, OTHER}),
        ("gpu-1", {OTHER}),
        ("gpu", {WORKER, NEIGHBOUR, OTHER}),
    ],
)
def test_who_is_drained_claims_nothing(
    board: Any, workers: dict[str, LeaseQueue], drain: Any, name: str, left: set[str]
) -> None:
    drain("on", name)
    assert claiming(board, workers) == left
    drain("off")
    assert claiming(board, workers) == set(workers)


def test_one_name_is_let_go_and_the_other_is_not(
    board: Any, workers: dict[str, LeaseQueue], drain: Any
) -> None:
    drain("on", WORKER, OTHER)
    assert set(drain("off", OTHER).names) == {WORKER}
    assert claiming(board, workers) == {NEIGHBOUR, OTHER}


def test_a_job_that_runs_goes_on_and_is_counted(
    board: Any, workers: dict[str, LeaseQueue], drain: Any
) -> None:
    board.enqueue()
    [claim] = workers[WORKER].claim()
    assert drain("on", WORKER).running == 1
    assert drain("on", OTHER).held == {WORKER: 1}
    assert workers[WORKER].succeed(claim, result="0" * 64)
    assert drain("look").running == 0


def test_the_first_drain_counts(drain: Any) -> None:
    [(name, since)] = drain("on", "a").names.items()
    assert drain("on", "a").names == {name: since}


def test_jobs_wait_for_the_end_of_the_drain(
    board: Any, workers: dict[str, LeaseQueue], drain: Any
) -> None:
    drain("on", EVERYBODY)
    job = board.enqueue()
    assert workers[WORKER].claim() == []
    drain("off")
    workers[WORKER].wait_for_bell()  # rings: the worker need not wait for a job
    assert [claim.job.id for claim in workers[WORKER].claim()] == [job.id]


def stats(client: redis.Redis, settings: Settings) -> QueueStats:
    return queue_stats(client, settings)


def test_the_state_is_counted(
    client: redis.Redis,
    settings: Settings,
    workers: dict[str, LeaseQueue],
    drain: Any,
) -> None:
    for worker in workers.values():
        worker.beat([])
    assert stats(client, settings).draining == "none"
    drain("on", "gpu-1")
    assert stats(client, settings).draining == "some"
    drain("on", OTHER)
    assert stats(client, settings).draining == "all"


def test_a_drain_of_all_is_seen_where_no_worker_lives(
    client: redis.Redis, settings: Settings, drain: Any
) -> None:
    drain("on", EVERYBODY)
    assert stats(client, settings).draining == "all"


def test_a_worker_that_is_gone_is_forgotten_and_a_host_is_not(
    client: redis.Redis,
    settings: Settings,
    workers: dict[str, LeaseQueue],
    drain: Any,
) -> None:
    drain("on", WORKER, "gpu-1")
    client.zadd(Keys(settings.key_prefix)("workers"), {WORKER: 0})
    workers[OTHER].reap()
    assert set(drain("look").names) == {"gpu-1"}


def test_a_damaged_key_drains_nobody(
    board: Any,
    client: redis.Redis,
    settings: Settings,
    workers: dict[str, LeaseQueue],
    drain: Any,
) -> None:
    client.set(Keys(settings.key_prefix)("draining"), "x")
    assert claiming(board, workers) == set(workers)
    assert drain("look") == Draining()
