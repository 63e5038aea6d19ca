"""Planted differences: their distance is what exact transport says it is."""

import numpy as np
import ot
import pytest
from numpy.typing import NDArray

from kantor.estimator import EstimateConfig, InvalidConfig, estimate_w1
from kantor.estimator.planted import planted_in


def rows_of(n: int = 400, dim: int = 5) -> NDArray[np.float64]:
    return np.random.default_rng(1).normal(size=(n, dim)) * np.arange(1, dim + 1)


@pytest.mark.parametrize("seed", range(5))
def test_moving_the_rows_is_optimal(seed: int) -> None:
    rows = rows_of()
    rng = np.random.default_rng(seed)
    planted = planted_in(rows, 0.5, rng)
    assert planted is not None
    # The same draw tells which rows were moved, and to where.
    order = np.random.default_rng(seed).permutation(len(rows))
    before = rows[order][: len(planted.x)]
    moved = np.linalg.norm(before - planted.x, axis=1)
    masses = np.full(len(before), 1.0 / len(before))
    costs = np.linalg.norm(before[:, None] - planted.x[None], axis=2)
    exact = ot.emd2(masses, masses, costs)
    # No coupling is cheaper than to move each row as it was moved.
    assert exact == pytest.approx(moved.mean(), rel=1e-9)


@pytest.mark.parametrize("size", [0.1, 0.5])
def test_it_has_the_size_that_is_wanted(size: float) -> None:
    planted = planted_in(rows_of(), size, np.random.default_rng(0))
    assert planted is not None
    assert planted.distance == pytest.approx(size, rel=1e-6)


def test_no_more_is_planted_than_the_rows_are_apart() -> None:
    rows = rows_of()
    planted = planted_in(rows, 1e9, np.random.default_rng(0))
    assert planted is not None
    assert planted.distance < np.linalg.norm(rows - rows.mean(0), axis=1).mean() * 2.0


@pytest.mark.parametrize("rows", [np.ones((100, 2)), rows_of(20)])
def test_where_nothing_can_be_planted_there_is_none(
    rows: NDArray[np.float64],
) -> None:
    assert planted_in(rows, 1.0, np.random.default_rng(0)) is None


def test_an_estimate_checks_itself_where_asked() -> None:
    x, y = np.random.default_rng(2).normal(size=(2, 600, 2))
    config = EstimateConfig(effort="quick", steps=50, self_check=True)
    found = estimate_w1(x, 10.0 * (y + 3.0), config).self_check
    assert found is not None
    assert found.share == pytest.approx(found.found / found.distance)
    # A lower bound: no more than there is, but for the noise of both means.
    assert 0.1 < found.share < 1.0 + 4.0 * found.standard_error / found.distance
    assert found.distance > 1.0  # in the units of the data
    assert estimate_w1(x, y, EstimateConfig(effort="quick", steps=1)).self_check is None


@pytest.mark.parametrize("seed", range(3))
def test_where_nothing_was_found_what_is_planted_can_be(seed: int) -> None:
    x, y = np.random.default_rng(seed).normal(size=(2, 400, 8))
    config = EstimateConfig(effort="quick", steps=50, seed=seed, sample_bounds=False)
    found = estimate_w1(x, y, config, self_check=True)
    assert found.lower_bound < 0.0
    assert found.self_check is not None
    # With half of the rows a side it takes 1.4 times as much as the answer's own size,
    # of which the share was anything between -1 and 2.
    assert found.self_check.distance > 2.5 * found.self_check.standard_error


def test_none_is_planted_that_could_not_be_found() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 100, 1))
    config = EstimateConfig(effort="quick", steps=1, sample_bounds=False)
    assert estimate_w1(x, y, config, self_check=True).self_check is None


def test_it_is_for_norms_in_which_the_distance_is_known() -> None:
    with pytest.raises(InvalidConfig, match="self_check: expected norm l2"):
        EstimateConfig(self_check=True, norm="linf")
    assert not EstimateConfig(effort="thorough", norm="linf").checks_itself
    assert EstimateConfig(effort="thorough").checks_itself
