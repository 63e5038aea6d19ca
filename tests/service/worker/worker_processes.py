"""Worker processes for tests, and what tests ask of them and of their jobs."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kantor.service.queue import JobRecord, JobStatus, NewJob, SampleRef
from kantor.service.settings import Settings
from kantor.service.store import BlobStore, DatasetStore

Submit = Callable[..., str]
SLOW_WORKER = Path(__file__).with_name("slow_worker.py")
COUNTING = (sys.executable, str(SLOW_WORKER))
PATIENCE_S = 20.0


class Workers:
    """Start worker processes; all are killed at the end of the test."""

    def __init__(self, settings: Settings) -> None:
        assert settings.redis_url is not None
        self._environment = os.environ | {
            "KANTOR_REDIS_URL": settings.redis_url.get_secret_value(),
            "KANTOR_DATA_DIR": str(settings.data_dir),
            "KANTOR_KEY_PREFIX": settings.key_prefix,
            "KANTOR_LEASE_S": str(settings.lease_s),
            "KANTOR_HEARTBEAT_S": str(settings.heartbeat_s),
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(SLOW_WORKER.parents[3]),
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(
        self, command: Sequence[str] = COUNTING, **variables: str
    ) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, env=self._environment | variables)
        self.processes.append(process)
        return process

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


def submit_to(board: Any, settings: Settings, **config: Any) -> str:
    """Queue a job on a small dataset; return its id."""
    dataset = DatasetStore(settings.data_dir).put_array(np.ones((40, 2)))
    side = SampleRef(dataset.id, 40, 2)
    job = NewJob(source=side, target=side, config=config, bucket="small")
    return str(board.run(board.board.enqueue(job)).id)


def wait_for(condition: Callable[[], Any], within_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def wait_until(
    board: Any, job_id: str, status: JobStatus, within_s: float = PATIENCE_S
) -> JobRecord:
    wait_for(lambda: board.get(job_id).status == status, within_s)
    return board.get(job_id)  # type: ignore[no-any-return]


def wait_for_progress(board: Any, job_id: str, step: int = 1) -> None:
    wait_for(lambda: (board.get(job_id).progress or {"step": 0})["step"] >= step)


def result_of(settings: Settings, job: JobRecord) -> dict[str, Any]:
    assert job.result is not None
    document: dict[str, Any] = json.loads(BlobStore(settings.data_dir).get(job.result))
    return document
