"""The power benchmark: every problem draws two samples, every test answers."""

import numpy as np
import pytest

from benchmarks import power
from benchmarks.two_samples import PROBLEMS, TwoSamples, digits, flipped, hdgm


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: f"{p.name} {p.n}")
def test_problems_draw_two_samples(problem: TwoSamples) -> None:
    n = min(problem.n, 60)
    x, y = problem.draw(n, np.random.default_rng(0))
    assert x.shape == y.shape
    assert len(x) == n
    assert np.isfinite([x, y]).all()


def test_hidden_correlations_leave_every_feature_alike() -> None:
    x, y = hdgm(20_000, np.random.default_rng(1))
    np.testing.assert_allclose(x.mean(0), y.mean(0), atol=0.04)
    np.testing.assert_allclose(x.std(0), y.std(0), atol=0.04)


def test_sides_of_the_digits_share_no_row() -> None:
    x, y = digits(300, np.random.default_rng(2), share=0.0, change=flipped)
    rows = {row.tobytes() for row in x}
    # A few images of the data occur twice.
    assert sum(row.tobytes() in rows for row in y) <= 2


def test_far_distributions_are_told_apart_by_every_test() -> None:
    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x, y = rng.normal(size=(2, n, 2))
        return x + 3.0, y

    found = power.trial(TwoSamples("far", 60, draw), 0)
    assert all(p <= 0.05 for p in found.values())


def test_prints_a_row_of_rejections(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["power", "--trials", "2", "--problems", "shift 0.8"]
    )
    power.main()
    (row,) = [
        r for r in capsys.readouterr().out.splitlines() if "shift" in r and "|" in r
    ]
    assert row.startswith("| shift 0.8, d = 1, n = 50")
