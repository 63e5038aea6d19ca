from pathlib import Path

import pytest

from kantor.service.processes.gpus import device_files, gpu_names, listed


@pytest.mark.parametrize(("chosen", "expected"), [("", []), ("1, 3", ["1", "3"])])
def test_a_choice_of_gpus_is_kept(
    monkeypatch: pytest.MonkeyPatch, chosen: str, expected: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert gpu_names() == expected


def test_without_a_driver_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", "")
    assert gpu_names() == []


def test_gpus_are_named_by_what_cannot_change() -> None:
    text = (
        "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-0a-1)\n"
        "GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-0a-2)\n"
    )
    assert listed(text) == ["GPU-0a-1", "GPU-0a-2"]


def test_a_divided_gpu_counts_as_its_parts() -> None:
    text = (
        "GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-0a-1)\n"
        "  MIG 3g.20gb     Device  0: (UUID: MIG-b-1)\n"
        "  MIG 3g.20gb     Device  1: (UUID: MIG-b-2)\n"
        "GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-0a-2)\n"
    )
    assert listed(text) == ["MIG-b-1", "MIG-b-2", "GPU-0a-2"]


def test_without_the_tool_device_files_are_counted(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert device_files(tmp_path) == ["0", "2", "10"]
