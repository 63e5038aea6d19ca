import threading
from typing import Any

import pytest
import redis

from kantor.service.queue import LeaseQueue
from kantor.service.settings import Settings
from kantor.service.upkeep.draining import NoSuchWorker, begin_drain, end_drain
from kantor.service.upkeep.server import QueueAway

WORKER = "host-7-0a1b2c"


@pytest.fixture
def worker(client: redis.Redis, settings: Settings) -> LeaseQueue:
    return LeaseQueue(client, settings, WORKER)


def test_a_drain_waits_for_the_jobs_that_run(
    board: Any, worker: LeaseQueue, settings: Settings
) -> None:
    board.enqueue()
    [claim] = worker.claim()
    told: list[int] = []

    def end_later(count: int) -> None:
        told.append(count)
        if count:
            threading.Timer(0.2, worker.release, [claim]).start()

    assert begin_drain(settings, timeout_s=10.0, on_change=end_later)
    assert told == [1, 0]
    assert worker.claim() == []  # given back, and not taken again
    assert end_drain(settings).names == {}
    assert len(worker.claim()) == 1


def test_a_drain_that_takes_too_long_says_so_and_holds(
    board: Any, worker: LeaseQueue, settings: Settings
) -> None:
    board.enqueue()
    worker.claim()
    assert not begin_drain(settings, timeout_s=0.0, on_change=lambda _: None)
    board.enqueue()
    assert worker.claim() == []


def test_jobs_of_others_are_not_waited_for(
    board: Any, worker: LeaseQueue, client: redis.Redis, settings: Settings
) -> None:
    board.enqueue()
    worker.claim()
    LeaseQueue(client, settings, "other-1-ff").beat([])
    assert begin_drain(settings, ["other"], timeout_s=0.0, on_change=lambda _: None)


def test_a_name_that_nobody_has_is_refused(
    worker: LeaseQueue, settings: Settings
) -> None:
    worker.beat([])
    with pytest.raises(NoSuchWorker, match=r"one of host, host-7-0a1b2c, .*'hots'"):
        begin_drain(settings, ["hots"], timeout_s=None, on_change=lambda _: None)
    with pytest.raises(NoSuchWorker, match=r"one of none, received 'host'"):
        end_drain(settings, ["host"])


def test_without_a_queue_nothing_is_drained(settings: Settings) -> None:
    with pytest.raises(QueueAway, match="expected a running queue"):
        end_drain(Settings(data_dir=settings.data_dir))
