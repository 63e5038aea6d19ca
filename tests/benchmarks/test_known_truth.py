"""The benchmark against known truth prints a row a problem and draws the picture."""

from pathlib import Path

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
    assert (tmp_path / "known_truth.png").read_bytes().startswith(b"\x89PNG")
