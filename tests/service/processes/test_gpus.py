import pytest

from kantor.service.processes.gpus import gpu_indices


@pytest.mark.parametrize(("chosen", "expected"), [("", []), ("1, 3", ["1", "3"])])
def test_a_choice_of_gpus_is_kept(
    monkeypatch: pytest.MonkeyPatch, chosen: str, expected: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert gpu_indices() == expected


def test_without_a_driver_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", "")
    assert gpu_indices() == []
