"""The comparison prints a table a problem, and the summary."""

from pathlib import Path

import pytest

from benchmarks import peers, pictures
from benchmarks.peers import CASES, chosen_cases
from benchmarks.problems import catalog
from benchmarks.real_pairs import REAL_PAIRS


def test_prints_tables_and_writes_the_picture(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    arguments = ["--problems", "shift-2d|tumors", "--n", "50", "--seeds", "2"]
    monkeypatch.setattr("sys.argv", ["peers", *arguments, "--methods", "sliced"])
    monkeypatch.setattr(pictures, "OUTPUT", tmp_path)
    peers.main()
    output = capsys.readouterr().out
    methods = 3
    rows = sum(line.startswith("| ") for line in output.splitlines())
    assert rows == 3 * (2 + methods)  # two problems and the summary
    assert "unknown" in output
    assert (tmp_path / "peers.png").read_bytes().startswith(b"\x89PNG")


def test_usual_cases_are_known_and_funnels_come_last() -> None:
    assert set(CASES) <= {*catalog(), *REAL_PAIRS}
    assert [name.startswith("funnels") for name in CASES].index(True) == len(CASES) - 1


def test_cases_are_chosen_in_the_usual_order() -> None:
    names = [case.name for case in chosen_cases("shift-(8|16)d|tumors")]
    assert names == ["tumors", "shift-16d", "shift-8d"]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(SystemExit, match="'no-such'"):
        chosen_cases("no-such")
