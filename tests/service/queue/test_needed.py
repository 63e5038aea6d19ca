from typing import Any

import redis

from kantor.service.queue import LeaseQueue, SampleRef
from kantor.service.queue import needed as module
from kantor.service.queue.needed import may_sweep, needed
from kantor.service.settings import Settings

X, Y = SampleRef("ds_x", 50, 2, "ds_w"), SampleRef("ds_y", 50, 2)


def test_an_unfinished_job_needs_its_samples_and_weights(
    board: Any, client: redis.Redis, settings: Settings
) -> None:
    board.enqueue(source=X, target=Y)
    found = needed(client, settings.key_prefix)
    assert found.datasets == {"ds_x", "ds_w", "ds_y"}
    assert found.blobs == set()


def test_an_ended_job_needs_its_result_alone(
    board: Any, client: redis.Redis, settings: Settings, worker: LeaseQueue
) -> None:
    board.enqueue(source=X, target=Y)
    [claim] = worker.claim()
    worker.succeed(claim, result="r" * 64, critic="c" * 64)
    found = needed(client, settings.key_prefix)
    assert found.datasets == set()
    assert found.blobs == {"r" * 64, "c" * 64}


def test_a_job_given_back_needs_its_checkpoint(
    board: Any, client: redis.Redis, settings: Settings, worker: LeaseQueue
) -> None:
    board.enqueue(source=X, target=Y)
    [claim] = worker.claim()
    worker.release(claim, "k" * 64)
    assert needed(client, settings.key_prefix).blobs == {"k" * 64}


def test_every_page_of_jobs_counts(
    board: Any, client: redis.Redis, settings: Settings, monkeypatch: Any
) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    for number in range(5):
        board.enqueue(source=SampleRef(f"ds_{number}", 50, 2), target=Y)
    found = needed(client, settings.key_prefix)
    assert found.datasets == {f"ds_{number}" for number in range(5)} | {"ds_y"}


def test_one_of_all_may_sweep(client: redis.Redis, settings: Settings) -> None:
    asked = [may_sweep(client, settings.key_prefix, 60.0) for _ in range(3)]
    assert asked == [True, False, False]
