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


def outcome(share: float, error: float, planted: float | None) -> Any:
    check = None if planted is None else SimpleNamespace(share=planted)
    estimate = SimpleNamespace(self_check=check)
    return SimpleNamespace(ratio=share, error=error, estimate=estimate)


def test_what_a_user_knows_is_ranked_beside_the_share_of_the_truth() -> None:
    outcomes = [
        outcome(0.2, 0.1, 0.3),
        outcome(0.5, 0.1, 0.4),
        outcome(0.9, 0.9, 0.95),
        outcome(0.7, 0.1, None),
    ]
    assert known_truth.rank_correlations(outcomes[:2]) == []
    signals, planted = known_truth.rank_correlations(outcomes)
    assert "standard error" in signals
    assert "-0.20 over 4 problems" in signals
    assert "1.00 over 3 problems" in planted
