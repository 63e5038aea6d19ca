"""The frontier places each method by its share of the truth and its cost."""

from pathlib import Path

import pytest

from benchmarks import frontier, pictures
from benchmarks.answers import Answer
from benchmarks.comparisons import Comparison
from benchmarks.frontier import chosen, places
from benchmarks.measurements import Outcome
from benchmarks.rivals import ALONE, OURS, PEERS


def test_place_is_the_mean_over_problems() -> None:
    found = [
        Comparison("flats", 2.0, "method", "", [Outcome(Answer(1.0), 3.0, None)]),
        Comparison("planes", 1.0, "method", "", [Outcome(Answer(0.7), 5.0, None)]),
    ]
    (place,) = places(found)
    assert (place.method, place.processor_s) == ("method", 4.0)
    assert place.share == pytest.approx(0.6)


def test_thorough_competes_on_request_alone() -> None:
    assert set(chosen(".*", thorough=True)) == {*OURS, *ALONE, *PEERS}
    assert {*OURS} - {*chosen(".*", thorough=False)} == {"ours, thorough"}


def test_prints_shares_and_writes_the_picture(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    arguments = ["--problems", "shift-(1|2)d", "--n", "50", "--methods", "sliced"]
    monkeypatch.setattr("sys.argv", ["frontier", *arguments])
    monkeypatch.setattr(pictures, "OUTPUT", tmp_path)
    frontier.main()
    header = capsys.readouterr().out.splitlines()[2].split("|")[1:-1]
    assert [cell.strip() for cell in header][1:3] == ["shift-1d", "shift-2d"]
    assert (tmp_path / "frontier.png").read_bytes().startswith(b"\x89PNG")
