"""Coverage of the statistics alone: misses are counted against what is known."""

import numpy as np
import pytest

from benchmarks import bounds_coverage
from benchmarks.bounds_coverage import DESIGNS, draw, parts_of
from benchmarks.stand_ins import divisions


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
    kind = design.split()[1]
    assert tested == {"split": 45, "blocks": 60, "folds": 100}[kind]
    assert all(np.ptp(part.x) <= part.value_range + 1e-12 for part in parts)


@pytest.mark.parametrize("design", [name for name, _ in DESIGNS])
def test_no_critic_sees_what_tests_it(design: str) -> None:
    rows = np.arange(100.0)[:, None]
    for part in divisions(design, (rows, -rows)):
        for seen, test in zip(part.seen, part.test, strict=True):
            assert not set(seen.ravel()) & set(test.ravel())


def test_successive_blocks_see_all_rows_before_them() -> None:
    rows = np.arange(100.0)[:, None]
    parts = divisions("3 blocks", (rows, rows[:50]))
    assert [(len(p.seen[0]), len(p.test[0])) for p in parts] == [
        (40, 20), (60, 20), (80, 20)
    ]  # fmt: skip
    assert [(len(p.seen[1]), len(p.test[1])) for p in parts] == [
        (20, 10), (30, 10), (40, 10)
    ]  # fmt: skip
    for part in parts:
        np.testing.assert_array_equal(part.seen[0], rows[: len(part.seen[0])])


def test_prints_a_row_of_each_design_and_method(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bounds_coverage", "--count", "3", "--n", "60"])
    bounds_coverage.main()
    rows = [r for r in capsys.readouterr().out.splitlines() if r.startswith("|")]
    assert len(rows) == 2 + 5 * 4
