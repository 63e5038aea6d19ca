"""Small jobs that one worker holds at once: each ends once, and by itself."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kantor.estimator import Estimate, EstimateConfig, estimate_w1
from kantor.service.queue import JobStatus, NewJob, SampleRef
from kantor.service.settings import Settings
from kantor.service.store import DatasetStore
from kantor.service.worker.process import most_at_once
from tests.service.worker.worker_processes import (
    PATIENCE_S,
    Submit,
    Workers,
    result_of,
    wait_for,
    wait_for_progress,
    wait_until,
)

TOGETHER = {"KANTOR_MAX_CLAIM": "4"}
Start = Callable[[], Any]


@pytest.fixture
def start(workers: Workers) -> Start:
    """Return a function that starts a worker which takes four jobs at once."""
    return lambda: workers.start(**TOGETHER)


def ended_once(board: Any, job_id: str, status: str) -> bool:
    return bool(board.event_types(job_id).count(status) == 1)


def test_jobs_of_a_pack_run_at_once_and_end_by_themselves(
    start: Start, submit: Submit, board: Any, settings: Settings
) -> None:
    ids = [submit(steps=100_000), submit(steps=3), submit(seed=14), submit(steps=7)]
    start()
    for job_id, steps in ((ids[1], 3), (ids[3], 7)):
        job = wait_until(board, job_id, JobStatus.SUCCEEDED)
        assert result_of(settings, job)["estimate"] == steps
    assert wait_until(board, ids[2], JobStatus.FAILED).error.code == "internal_error"  # type: ignore[union-attr]
    assert board.get(ids[0]).status == JobStatus.RUNNING
    board.cancel(ids[0])
    wait_until(board, ids[0], JobStatus.CANCELLED)
    wait_until(board, submit(steps=1), JobStatus.SUCCEEDED)  # the worker lives on


def test_a_killed_pack_is_finished_by_another_each_job_once(
    start: Start, submit: Submit, board: Any
) -> None:
    ids = [submit(steps=100) for _ in range(4)]
    victim = start()
    for job_id in ids:
        wait_for_progress(board, job_id)
    victim.kill()
    start()
    for job_id in ids:
        assert wait_until(board, job_id, JobStatus.SUCCEEDED).attempt == 2
        assert ended_once(board, job_id, "succeeded")


def test_sigterm_gives_a_pack_back_with_its_checkpoints(
    start: Start, submit: Submit, board: Any, settings: Settings
) -> None:
    ids = [submit(steps=400 + i) for i in range(4)]
    first = start()
    for job_id in ids:
        wait_for_progress(board, job_id, step=10)
    first.terminate()
    assert first.wait(PATIENCE_S) == 0
    assert {board.get(job_id).status for job_id in ids} == {JobStatus.QUEUED}
    start()
    for i, job_id in enumerate(ids):
        job = wait_until(board, job_id, JobStatus.SUCCEEDED)
        found = result_of(settings, job)
        assert (job.attempt, found["estimate"]) == (1, 400 + i)
        assert found["warnings"] != ["resumed from 0"]


@pytest.mark.parametrize("seed", [13, 17], ids=["kills", "loses the device"])
def test_a_job_that_ends_its_worker_fails_alone(
    workers: Workers, start: Start, submit: Submit, board: Any, seed: int
) -> None:
    bad, *good = [submit(seed=seed), submit(steps=20), submit(steps=30)]

    def ended() -> bool:
        if not workers.processes or workers.processes[-1].poll() is not None:
            start()
        return bool(board.get(bad).status == JobStatus.FAILED)

    wait_for(ended, within_s=4 * PATIENCE_S)  # three workers start
    assert board.get(bad).error.code == "worker_lost"
    for job_id in good:
        wait_until(board, job_id, JobStatus.SUCCEEDED)
        assert ended_once(board, job_id, "succeeded")


def test_a_pack_of_real_trainings_finds_what_each_finds_alone(
    workers: Workers, board: Any, settings: Settings
) -> None:
    jobs: dict[str, Estimate] = {}
    for seed in range(3):
        x, y = np.random.default_rng(seed).normal(size=(2, 200, 2))
        config = EstimateConfig(effort="quick", critic="network", steps=50, seed=seed)
        jobs[queued(board, settings, x, 2.0 * y, config)] = estimate_w1(
            x, 2.0 * y, config
        )
    command = [sys.executable, "-m", "kantor.service.cli", "worker"]
    workers.start(command=command, KANTOR_DEVICE="cpu", **TOGETHER)
    for job_id, alone in jobs.items():
        job = wait_until(
            board, job_id, JobStatus.SUCCEEDED, 3 * PATIENCE_S
        )  # torch loads
        found = result_of(settings, job)
        noise = 0.05 * alone.standard_error  # sums in another order round otherwise
        assert found["estimate"] == pytest.approx(alone.estimate, abs=noise)
        assert found["steps"] == alone.steps


@pytest.mark.parametrize(
    ("settings", "is_gpu", "most"),
    [
        ({}, False, 1),
        ({}, True, 8),
        ({"max_claim": 3}, False, 3),
        ({"max_claim": 100, "max_job_memory_bytes": 2**30}, True, 4),
    ],
)
def test_a_pack_asks_for_no_more_memory_than_one_job_may(
    settings: dict[str, Any], is_gpu: bool, most: int
) -> None:
    assert most_at_once(Settings(**settings), is_gpu=is_gpu) == most


def queued(
    board: Any, settings: Settings, x: Any, y: Any, config: EstimateConfig
) -> str:
    datasets = DatasetStore(settings.data_dir)
    sides = [SampleRef(datasets.put_array(s).id, *s.shape) for s in (x, y)]
    job = NewJob(
        source=sides[0], target=sides[1], config=config.to_dict(), bucket="real"
    )
    return str(board.run(board.board.enqueue(job)).id)
