"""Workers of two hosts share a queue and a bucket, and no folder."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kantor.service.queue import SampleRef
from kantor.service.settings import Settings, environment
from kantor.service.store import BlobStore, DatasetStore, open_bucket

PATIENCE_S = 60.0
JOBS = 12
STEPS = 30
"""Of 10 ms each."""


@pytest.fixture
def shared_settings(settings: Settings, bucket_settings: dict[str, Any]) -> Settings:
    values = settings.model_dump(exclude_unset=True) | bucket_settings
    return Settings.model_validate(values)


@pytest.fixture
def hosts(
    shared_settings: Settings, tmp_path: Path
) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Run a worker on each of two hosts, with data folders of their own."""
    program = str(Path(__file__).with_name("slow_worker.py"))
    processes = []
    for name in ("first", "second"):
        variables = environment(shared_settings)
        variables["KANTOR_DATA_DIR"] = str(tmp_path / name)
        processes.append(
            subprocess.Popen([sys.executable, program], env=os.environ | variables)
        )
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def test_a_host_dies_and_every_job_ends_once(
    shared_settings: Settings, board: Any, hosts: list["subprocess.Popen[bytes]"]
) -> None:
    bucket = open_bucket(shared_settings)
    datasets = DatasetStore(shared_settings.data_dir, bucket)
    side = SampleRef(datasets.put_array(np.zeros((60, 2))).id, 60, 2)
    ids = [
        board.enqueue(source=side, target=side, config={"steps": STEPS, "seed": i}).id
        for i in range(JOBS, 0, -1)  # none of the seeds that misbehave
    ]
    wait_until(lambda: sum(ended(board, ids)) >= 2)
    hosts[0].kill()
    wait_until(lambda: all(ended(board, ids)))
    blobs = BlobStore(shared_settings.data_dir, bucket)
    results = [json.loads(blobs.get(board.get(job_id).result)) for job_id in ids]
    assert [result["estimate"] for result in results] == [float(STEPS)] * JOBS
    ends = [board.event_types(job_id).count("succeeded") for job_id in ids]
    assert ends == [1] * JOBS


def ended(board: Any, ids: list[str]) -> list[bool]:
    return [board.get(job_id).status.is_terminal for job_id in ids]


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
