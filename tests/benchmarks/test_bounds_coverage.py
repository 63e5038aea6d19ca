"""Coverage of the statistics alone: misses are counted against what is known."""

import numpy as np
import pytest

from benchmarks import bounds_coverage
from benchmarks.bounds_coverage import DESIGNS, draw, parts_of


@pytest.mark.parametrize("null", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_sides_are_as_far_apart_as_stated(seed: int, null: bool) -> None:
    (x, y), truth = draw(seed, 40_000, null=null)
    moved = np.linalg.norm(np.median(x, 0) - np.median(y, 0))
    assert moved == pytest.approx(truth, abs=0.05)


@pytest.mark.parametrize("design", [name for name, _ in DESIGNS])
def test_designs_test_only_what_they_may(design: str) -> None:
    parts = parts_of(design, draw(0, 100, null=False)[0], 0)
    tested = sum(len(part.x) for part in parts)
    assert tested == (45 if design == "one split" else 100)
    assert all(np.ptp(part.x) <= part.value_range + 1e-12 for part in parts)


def test_prints_a_row_of_each_design_and_method(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bounds_coverage", "--count", "3", "--n", "60"])
    bounds_coverage.main()
    rows = [r for r in capsys.readouterr().out.splitlines() if r.startswith("|")]
    assert len(rows) == 2 + 3 * 4
