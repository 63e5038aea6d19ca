"""The benchmark against known truth prints a row a problem and draws the picture."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import known_truth, pictures


def test_prints_rows_and_writes_the_picture(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    arguments = ["--problems", "cone-1d|shift-2d", "--effort", "quick", "--n", "200"]
    monkeypatch.setattr("sys.argv", ["known_truth", *arguments, "--steps", "5"])
    monkeypatch.setattr(pictures, "OUTPUT", tmp_path)
    known_truth.main()
    output = capsys.readouterr().out
    assert sum(line.startswith("| ") for line in output.splitlines()) == 2 + 2
    assert "0 of 2 lower bounds above W1" in output
    assert "rank correlation" not in output
    assert (tmp_path / "known_truth.png").read_bytes().startswith(b"\x89PNG")


def outcome(share: float | None, planted: float | None) -> Any:
    check = None if planted is None else SimpleNamespace(share=planted)
    return SimpleNamespace(ratio=share, estimate=SimpleNamespace(self_check=check))


def test_planted_shares_are_ranked_beside_the_true_ones() -> None:
    pairs = [(0.2, 0.3), (0.5, 0.4), (0.9, 0.95), (0.7, None)]
    outcomes = [outcome(*pair) for pair in pairs]
    assert known_truth.rank_correlation(outcomes[:2]) == ""
    said = known_truth.rank_correlation(outcomes)
    assert "1.00 over 3 problems" in said
