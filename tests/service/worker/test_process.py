"""Worker processes, killed and stopped in the middle of their work."""

import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
from pydantic import SecretStr

from kantor.service.processes.valkey import EmbeddedValkey
from kantor.service.queue import JobStatus, SampleRef
from kantor.service.queue.keys import Keys
from kantor.service.settings import Settings
from kantor.service.store import BlobStore, DatasetStore
from kantor.service.worker.lifeline import HUNG
from tests.service.worker.worker_processes import (
    PATIENCE_S,
    Submit,
    Workers,
    result_of,
    submit_to,
    wait_for,
    wait_for_progress,
    wait_until,
)

BEAT = {"KANTOR_HEARTBEAT_S": "0.1"}


def test_a_job_is_carried_out(
    workers: Workers, submit: Submit, board: Any, settings: Settings
) -> None:
    workers.start()
    job = wait_until(board, submit(steps=5), JobStatus.SUCCEEDED)
    assert result_of(settings, job)["estimate"] == 5.0
    assert job.progress is not None
    assert job.progress["step"] == 5
    assert job.critic is not None
    assert BlobStore(settings.data_dir).get(job.critic) == b"critic"


def test_a_killed_workers_job_is_finished_by_another_once(
    workers: Workers, submit: Submit, board: Any
) -> None:
    victim = workers.start()
    job_id = submit(steps=100)
    wait_for_progress(board, job_id)
    victim.kill()
    workers.start()
    job = wait_until(board, job_id, JobStatus.SUCCEEDED)
    assert job.attempt == 2
    assert board.event_types(job_id).count("succeeded") == 1


def test_a_stopped_worker_cannot_commit_when_it_wakes(
    workers: Workers,
    submit: Submit,
    board: Any,
    client: redis.Redis,
    settings: Settings,
) -> None:
    sleeper = workers.start()
    job_id = submit(steps=60)
    wait_for_progress(board, job_id)
    sleeper.send_signal(signal.SIGSTOP)
    workers.start()
    wait_until(board, job_id, JobStatus.SUCCEEDED)
    sleeper.send_signal(signal.SIGCONT)
    sleeper.terminate()
    assert sleeper.wait(PATIENCE_S) == 0
    assert board.event_types(job_id).count("succeeded") == 1


def test_sigterm_gives_the_job_back_with_a_checkpoint(
    workers: Workers, submit: Submit, board: Any, settings: Settings
) -> None:
    first = workers.start()
    job_id = submit(steps=100)
    wait_for_progress(board, job_id, step=10)
    first.terminate()
    assert first.wait(PATIENCE_S) == 0
    assert board.get(job_id).status == JobStatus.QUEUED
    workers.start()
    job = wait_until(board, job_id, JobStatus.SUCCEEDED)
    assert job.attempt == 1
    assert result_of(settings, job)["warnings"] != ["resumed from 0"]


def test_cancel_stops_the_training(
    workers: Workers, submit: Submit, board: Any
) -> None:
    workers.start()
    job_id = submit(steps=100_000)
    wait_for_progress(board, job_id)
    assert board.cancel(job_id).status == JobStatus.RUNNING
    wait_until(board, job_id, JobStatus.CANCELLED)
    wait_until(board, submit(steps=1), JobStatus.SUCCEEDED)  # the worker lives on


def test_a_job_that_kills_its_workers_is_given_up(
    workers: Workers, submit: Submit, board: Any, settings: Settings
) -> None:
    job_id = submit(seed=13)

    def ended() -> bool:
        if not workers.processes or workers.processes[-1].poll() is not None:
            workers.start()
        return bool(board.get(job_id).status == JobStatus.FAILED)

    wait_for(ended, 4 * PATIENCE_S)  # as many workers start
    job = board.get(job_id)
    assert (job.error.code, job.attempt) == ("worker_lost", settings.max_attempts)


@pytest.mark.parametrize(
    ("seed", "code"),
    [(14, "internal_error"), (15, "invalid_input"), (16, "out_of_memory")],
)
def test_an_error_fails_the_job_and_not_the_worker(
    workers: Workers, submit: Submit, board: Any, seed: int, code: str
) -> None:
    workers.start()
    job = wait_until(board, submit(seed=seed), JobStatus.FAILED)
    assert job.error is not None
    assert job.error.code == code
    assert "secret" not in job.error.detail
    wait_until(board, submit(steps=1), JobStatus.SUCCEEDED)


def test_a_worker_without_its_device_ends(
    workers: Workers, submit: Submit, board: Any
) -> None:
    worker = workers.start()
    job_id = submit(seed=17)
    assert worker.wait(PATIENCE_S) == 1
    assert board.get(job_id).status == JobStatus.RUNNING  # until its lease is over


@contextmanager
def full_disk(settings: Settings) -> Iterator[None]:
    """Let nothing be stored while the block runs."""
    blobs = settings.data_dir / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)
    blobs.rename(blobs.with_name("kept"))
    blobs.write_text("in the way")
    yield
    blobs.unlink()
    blobs.with_name("kept").rename(blobs)


def test_a_result_waits_for_room_on_the_disk(
    workers: Workers, submit: Submit, board: Any, settings: Settings
) -> None:
    job_id = submit(steps=30)
    with full_disk(settings):
        workers.start()
        wait_for_progress(board, job_id, step=30)
        time.sleep(2.0)
        assert board.get(job_id).status == JobStatus.RUNNING
    job = wait_until(board, job_id, JobStatus.SUCCEEDED)
    assert (job.attempt, result_of(settings, job)["estimate"]) == (1, 30.0)


def test_a_result_that_cannot_be_stored_fails_the_job(
    workers: Workers, submit: Submit, board: Any, settings: Settings
) -> None:
    with full_disk(settings):
        workers.start(KANTOR_STORING_S="0")
        job = wait_until(board, submit(steps=2), JobStatus.FAILED)
    assert job.error is not None
    assert job.error.code == "storage_failed"


def test_a_checkpoint_that_cannot_be_stored_costs_no_attempt(
    workers: Workers, submit: Submit, board: Any, settings: Settings
) -> None:
    worker = workers.start()
    job_id = submit(steps=1000)
    wait_for_progress(board, job_id)
    settings.data_dir.joinpath("blobs").write_text("in the way")
    worker.terminate()
    assert worker.wait(PATIENCE_S) == 0
    job = board.get(job_id)
    assert (job.status, job.attempt, job.checkpoint) == (JobStatus.QUEUED, 0, None)


def test_a_job_that_waits_for_room_can_be_cancelled(
    workers: Workers, submit: Submit, board: Any, settings: Settings
) -> None:
    job_id = submit(steps=5)
    with full_disk(settings):
        workers.start()
        wait_for_progress(board, job_id, step=5)
        board.cancel(job_id)
        wait_until(board, job_id, JobStatus.CANCELLED)


def test_sigterm_without_room_for_a_checkpoint_costs_no_attempt(
    workers: Workers, submit: Submit, board: Any, settings: Settings
) -> None:
    worker = workers.start()
    job_id = submit(steps=200)
    wait_for_progress(board, job_id, step=10)
    with full_disk(settings):
        worker.terminate()
        assert worker.wait(PATIENCE_S) == 0
        assert board.get(job_id).status == JobStatus.QUEUED
    workers.start()
    assert wait_until(board, job_id, JobStatus.SUCCEEDED).attempt == 1


def test_a_hung_training_does_not_outlive_its_cancel(
    workers: Workers, submit: Submit, board: Any
) -> None:
    worker = workers.start(KANTOR_STOP_S="1")
    job_id = submit(seed=18)
    wait_until(board, job_id, JobStatus.RUNNING)
    board.cancel(job_id)
    assert worker.wait(PATIENCE_S) == HUNG
    workers.start()
    wait_until(board, job_id, JobStatus.CANCELLED)


def test_a_hung_training_does_not_outlive_its_deadline(
    workers: Workers,
    submit: Submit,
    board: Any,
    client: redis.Redis,
    settings: Settings,
) -> None:
    worker = workers.start(KANTOR_STOP_S="1")
    job_id, keys = submit(seed=18), Keys(settings.key_prefix)
    wait_until(board, job_id, JobStatus.RUNNING)
    client.hset(keys("job", job_id), "deadline_at", 1)
    client.zadd(keys("deadlines"), {job_id: 1})
    assert worker.wait(PATIENCE_S) == HUNG
    workers.start()
    ended = wait_until(board, job_id, JobStatus.FAILED)
    assert ended.error is not None
    assert ended.error.code == "deadline_exceeded"


@pytest.mark.parametrize("seed", [18, 19])
def test_a_hung_training_is_retried_by_its_attempts(
    workers: Workers, submit: Submit, board: Any, settings: Settings, seed: int
) -> None:
    job_id = submit(seed=seed)

    def ended() -> bool:
        if not workers.processes or workers.processes[-1].poll() is not None:
            workers.start(KANTOR_STALL_S="1", KANTOR_LEASE_S="0.4", **BEAT)
        return bool(board.get(job_id).status == JobStatus.FAILED)

    wait_for(ended, within_s=2 * PATIENCE_S)
    job = board.get(job_id)
    assert (job.error.code, job.attempt) == ("worker_lost", settings.max_attempts)


def test_jobs_beside_a_hung_one_are_given_back(
    workers: Workers, submit: Submit, board: Any
) -> None:
    ids = [submit(seed=18), submit(steps=100_000)]
    worker = workers.start(KANTOR_STALL_S="1", KANTOR_MAX_CLAIM="2", **BEAT)
    assert worker.wait(PATIENCE_S) == HUNG
    beside = board.get(ids[1])
    assert (beside.status, beside.attempt) == (JobStatus.QUEUED, 0)


def test_a_damaged_dataset_fails_the_job(
    workers: Workers, submit: Submit, board: Any, settings: Settings
) -> None:
    job_id = submit(steps=1)
    [file] = (settings.data_dir / "datasets").glob("*/*.npy")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    workers.start()
    job = wait_until(board, job_id, JobStatus.FAILED)
    assert job.error is not None
    assert job.error.code == "dataset_damaged"
    wait_until(board, submit(steps=1), JobStatus.SUCCEEDED)  # stored again


def test_a_missing_dataset_fails_the_job(workers: Workers, board: Any) -> None:
    workers.start()
    job = wait_until(board, board.enqueue().id, JobStatus.FAILED)
    assert job.error is not None
    assert job.error.code == "dataset_missing"


def test_missing_weights_fail_the_job(
    workers: Workers, board: Any, settings: Settings
) -> None:
    workers.start()
    dataset = DatasetStore(settings.data_dir).put_array(np.ones((40, 2))).id
    side = SampleRef(dataset, 40, 2, weights="ds_" + "0" * 64)
    job = wait_until(
        board, board.enqueue(source=side, target=side).id, JobStatus.FAILED
    )
    assert job.error is not None
    assert job.error.code == "dataset_missing"
    assert str(side.weights) in job.error.detail


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path / "valkey") as server:
        yield server


def test_a_job_outlives_an_outage_of_the_server(
    own_server: EmbeddedValkey, board: Any, settings: Settings
) -> None:
    own = settings.model_copy(update={"redis_url": SecretStr(own_server.url)})
    with closing(type(board)(own)) as board, closing(Workers(own)) as workers:
        workers.start()
        job_id = submit_to(board, own, steps=300)
        wait_for_progress(board, job_id)
        own_server.stop()
        time.sleep(2 * own.lease_s)
        own_server.start()
        assert wait_until(board, job_id, JobStatus.SUCCEEDED).attempt == 1
