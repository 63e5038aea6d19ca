"""Exact p-values: level, power, ties, and combinations."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, mannwhitneyu

from kantor.estimator.evidence.permutation import (
    NEGLIGIBLE,
    equal_runs,
    permutation_p_value,
    sequential,
    tail_bound,
    weighted_bonferroni,
)

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Array]


def allowed(trials: int, level: float = 0.05, chance: float = 1e-3) -> int:
    return int(binom.ppf(1 - chance, trials, level))


@pytest.mark.parametrize(("n", "m"), [(5, 5), (20, 33), (3000, 2500)])
def test_level_is_exact_with_several_functions_and_ties(n: int, m: int) -> None:
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(1000):
        x, y = (rng.integers(4, size=(3, k)).astype(float) for k in (n, m))
        alarms += permutation_p_value(x, y, rng, permutations=99) <= 0.05
    assert alarms <= allowed(1000)


def test_small_samples_agree_with_all_permutations() -> None:
    x, y = np.array([3.0, 4.0, 5.0]), np.array([0.0, 1.0, 2.0])
    p = permutation_p_value(x, y, np.random.default_rng(1), permutations=20_000)
    assert p == pytest.approx(1 / 20, abs=0.005)


def test_the_maximum_finds_the_one_function_that_differs() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 10, 200))
    x[7] += 0.5
    found = permutation_p_value(x, y, rng, permutations=999)
    assert found <= 0.001 + NEGLIGIBLE


def test_power_is_that_of_a_plain_test() -> None:
    rng = np.random.default_rng(3)
    ours, plain = [], []
    for _ in range(200):
        x, y = rng.normal(size=(2, 50))
        x = x + 0.5
        ours.append(permutation_p_value(x, y, rng, permutations=499) <= 0.05)
        plain.append(mannwhitneyu(x, y, alternative="greater").pvalue <= 0.05)
    assert np.mean(ours) >= np.mean(plain) - 0.05


def test_constant_values_and_a_wrong_direction_are_no_evidence() -> None:
    rng = np.random.default_rng(4)
    assert permutation_p_value(np.ones(9), np.ones(9), rng) == 1.0
    assert permutation_p_value(np.zeros(20), np.ones(20), rng) > 0.99


def test_runs_have_one_length() -> None:
    runs, count = equal_runs(np.ones((2, 5000)), np.ones((2, 900)), most=100)
    assert runs.shape[1] <= 100
    assert count == 5000 // 59
    assert np.all(runs == 1.0)


def test_a_million_values_take_a_moment() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(2, 10**6))
    assert permutation_p_value(x + 0.004, y, rng, permutations=4999) < 0.1
    assert permutation_p_value(x + 0.01, y, rng, permutations=4999) <= NEGLIGIBLE


def test_sequential_p_values_combine_exactly() -> None:
    # The second function is chosen by what the first test samples showed.
    rng = np.random.default_rng(6)
    alarms = 0
    for _ in range(2000):
        x, y = rng.normal(size=(2, 40, 3))
        first = permutation_p_value(x[:20, 0], y[:20, 0], rng, permutations=99)
        w = x[:20].mean(0) - y[:20].mean(0)
        second = permutation_p_value(x[20:] @ w, y[20:] @ w, rng, permutations=99)
        alarms += sequential([first, second], [1.0, 1.0]) <= 0.05
    assert alarms <= allowed(2000)
    assert sequential([1.0, 1.0], [1.0, 2.0]) > 0.99
    assert sequential([0.05, 0.05], [1.0, 1.0]) == pytest.approx(0.01, abs=0.001)


def test_weighted_bonferroni() -> None:
    assert weighted_bonferroni([0.04, 0.5], [0.8, 0.2]) == pytest.approx(0.05)
    assert weighted_bonferroni([0.9, 0.9], [1.0, 1.0]) == 1.0


def test_the_bound_is_above_the_share_of_all_permutations() -> None:
    rng = np.random.default_rng(8)
    for count in (2, 4, 7):
        for _ in range(20):
            values = rng.standard_t(2, size=9)
            values -= values.mean()
            sums = [
                values[list(chosen)].sum() for chosen in combinations(range(9), count)
            ]
            observed = values[:count].sum()
            share = np.mean(np.asarray(sums) >= observed - 1e-12)
            assert tail_bound(values[None], count, observed) >= share


def test_the_bound_sees_what_is_far_beyond_counting() -> None:
    x, y = np.random.default_rng(9).normal(size=(2, 1000))
    assert permutation_p_value(x + 1.0, y, np.random.default_rng(0)) < 1e-40
    lopsided = permutation_p_value(x[:60] + 3.0, y, np.random.default_rng(0))
    assert lopsided < 1e-10
