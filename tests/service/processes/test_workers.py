import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kantor.service.processes import workers
from kantor.service.processes.workers import WorkerChild, note_heard, worker_children
from kantor.service.pulse import State
from kantor.service.settings import Settings


@pytest.fixture
def sleeper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[WorkerChild]:
    """Yield a worker whose process only sleeps; the test writes in its page."""
    program = tmp_path / "sleeper"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr("kantor.service.processes.children.tethered", lambda c: c[:1])
    child = WorkerChild(dict(os.environ), patience_s=0.2)
    yield child
    child.terminate()
    child.wait(5.0)


def test_a_training_that_stands_is_ended_with_its_process(sleeper: WorkerChild) -> None:
    sleeper.keep_running()
    first = sleeper.pid
    sleeper.page.enter(State.TRAINING)
    sleeper.keep_running()
    time.sleep(0.3)
    sleeper.keep_running()
    sleeper.wait(5.0)
    deadline = time.monotonic() + 10.0
    while sleeper.pid in (first, None) and time.monotonic() < deadline:
        sleeper.keep_running()
        time.sleep(0.05)
    assert sleeper.pid not in (first, None)
    assert sleeper.page.state is State.STARTING


@pytest.mark.parametrize("state", [State.STARTING, State.IDLE])
def test_a_worker_that_trains_nothing_may_be_silent(
    sleeper: WorkerChild, state: State
) -> None:
    sleeper.keep_running()
    first = sleeper.pid
    sleeper.page.enter(state)
    for _ in range(3):
        time.sleep(0.15)
        sleeper.keep_running()
    assert (sleeper.pid, sleeper.failures) == (first, 0)


def test_each_gpu_has_a_worker_that_asks_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "gpu_names", lambda: ["GPU-a", "GPU-b"])
    found = worker_children(Settings(device="cuda"))
    names = [child._variables["CUDA_VISIBLE_DEVICES"] for child in found]
    assert names == ["GPU-a", "GPU-b"]


def test_where_gpus_are_asked_for_and_absent_one_worker_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "gpu_names", list)
    assert len(worker_children(Settings(device="cuda"))) == 1


def test_on_cpus_no_gpu_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "gpu_names", lambda: ["GPU-a"])
    [child, _] = worker_children(Settings(device="cpu", workers=2))
    assert "CUDA_VISIBLE_DEVICES" not in child._variables


def test_a_file_says_that_every_worker_is_heard(tmp_path: Path) -> None:
    file, pair = tmp_path / "heard", [WorkerChild({}, patience_s=1.0) for _ in "ab"]
    pair[0].page.hear()
    note_heard(pair, file, 15.0)
    assert not file.exists()
    pair[1].page.hear()
    note_heard(pair, file, 15.0)
    assert file.exists()
