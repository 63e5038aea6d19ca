from pathlib import Path

import pytest

from kantor.service import capacity
from kantor.service.capacity import (
    GIBIBYTE,
    fitting_workers,
    usable_cores,
    usable_memory_bytes,
)
from kantor.service.processes import workers
from kantor.service.settings import Settings


@pytest.mark.parametrize(
    ("cores", "gib", "workers"), [(1, 8, 1), (2, 8, 2), (8, 3, 3), (64, 256, 16)]
)
def test_without_gpus_there_is_a_worker_for_each_core_with_memory(
    monkeypatch: pytest.MonkeyPatch, cores: int, gib: int, workers: int
) -> None:
    monkeypatch.setattr(capacity, "usable_cores", lambda: cores)
    monkeypatch.setattr(capacity, "usable_memory_bytes", lambda: gib * GIBIBYTE)
    assert fitting_workers([]) == workers


def test_a_gpu_has_one_worker() -> None:
    assert fitting_workers(["0", "1"]) == 2


def test_a_container_has_what_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "memory.max").write_text("1048576\n")
    assert usable_cores(tmp_path) == 1
    assert usable_memory_bytes(tmp_path) == 1048576


def test_an_older_container_has_what_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "memory").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("100000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("1048576\n")
    assert usable_cores(tmp_path) == 1
    assert usable_memory_bytes(tmp_path) == 1048576


@pytest.mark.parametrize("text", ["max 100000", "", "?"])
def test_a_container_without_a_limit_has_the_machine(tmp_path: Path, text: str) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert usable_cores(tmp_path) == usable_cores(tmp_path / "nowhere") >= 1


def test_the_cores_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "gpu_names", list)
    monkeypatch.setattr(workers, "fitting_workers", lambda _: 16)
    monkeypatch.setattr(workers, "usable_cores", lambda: 64)
    children = workers.worker_children(Settings())
    assert len(children) == 16
    assert {c._variables["KANTOR_WORKER_THREADS"] for c in children} == {"4"}
