"""The gap benchmark splits a bound's loss into what critics lose and width."""

import numpy as np
import pytest

from benchmarks import bounds_gap
from benchmarks.bounds_gap import DESIGNS, divided, gap, row
from benchmarks.problems import select
from benchmarks.stand_ins import split_once
from benchmarks.trained_parts import trained_part

PROBLEM = next(select("scale-2d"))


def drawn(n: int) -> tuple[np.ndarray, np.ndarray]:
    return PROBLEM.sample(n, np.random.default_rng(n))


@pytest.mark.parametrize("design", DESIGNS)
def test_a_bound_near_the_truth_has_a_small_gap(design: str) -> None:
    fresh = drawn(20_000)
    found = gap(PROBLEM, drawn(4_000), fresh, design, 0, trained=False)
    # Twice the spread in the plane: the radius is the best feature.
    assert found.critics == pytest.approx(0.0, abs=0.03)
    assert 0.0 < found.gap < 0.15


def test_the_split_is_the_estimators() -> None:
    for n, tested in ((2_000, 900), (10_000, 3_000)):
        (part,), order = divided("one split", drawn(n))
        assert part.pairs == tested
        assert order == "sequential"


def test_a_part_is_trained_on_what_it_may_see() -> None:
    division, fresh = split_once(*drawn(400)), drawn(20_000)
    part = trained_part(division, fresh, 0, test_pairs=180)
    assert len(part.values.x) == 180
    assert max(np.ptp(part.values.x), np.ptp(part.values.y)) <= part.values.value_range
    # Values are in the units of the data: about W1, and the test rows agree.
    assert part.attained == pytest.approx(PROBLEM.w1, rel=0.15)
    assert part.values.difference == pytest.approx(
        part.attained, abs=4.0 * part.values.error
    )


def test_width_is_what_critics_do_not_lose() -> None:
    found = [bounds_gap.Gap(0.3, 0.1, 1.0), bounds_gap.Gap(0.1, 0.1, 3.0)]
    assert row(found) == ["20.0 %", "10.0 %", "10.0 %", "2.00"]


def test_prints_a_row_of_each_design(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = "bounds_gap --n 60 --draws 1 --problems shift-2d"
    monkeypatch.setattr("sys.argv", asked.split())
    bounds_gap.main()
    rows = [r for r in capsys.readouterr().out.splitlines() if r.startswith("|")]
    assert len(rows) == 2 + len(DESIGNS)
