"""Real sets are dealt without repetition, and keep what they are."""

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits

from benchmarks.problems import Pair, Rng
from benchmarks.real_pairs import REAL_PAIRS, without_difference


def test_halves_have_no_digit_twice() -> None:
    x, y = REAL_PAIRS["digits-halves"].sample(10**6, np.random.default_rng(0))
    digits = load_digits().data
    assert len(x) == len(y) == len(digits) // 2
    given, counts = np.unique(digits, axis=0, return_counts=True)
    dealt, dealt_counts = np.unique(np.vstack((x, y)), axis=0, return_counts=True)
    assert counts.max() == dealt_counts.max() == 1
    assert len(given) - len(dealt) == len(digits) % 2


def test_halves_are_as_small_as_asked_for() -> None:
    x, y = REAL_PAIRS["digits-halves"].sample(30, np.random.default_rng(0))
    assert x.shape == y.shape == (30, 64)


def test_tumors_are_told_apart_and_measured_in_deviations() -> None:
    x, y = REAL_PAIRS["tumors"].sample(10**6, np.random.default_rng(0))
    labels = load_breast_cancer().target
    assert (len(x), len(y)) == ((labels == 0).sum(), (labels == 1).sum())
    assert np.allclose(np.vstack((x, y)).std(0), 1.0)
    assert x[:, 0].mean() > y[:, 0].mean()  # malignant ones have the larger radius


def test_no_difference_is_the_target_twice_and_no_row_twice() -> None:
    def rising(n: int, rng: Rng) -> Pair:
        return -np.ones((n, 1)), np.arange(n, dtype=float)[:, None]

    pair = without_difference("rising", rising)
    x, y = pair.sample(5, np.random.default_rng(0))
    assert pair.w1 == 0.0
    assert sorted(np.vstack((x, y))[:, 0]) == list(range(10))
    assert len(x) == len(y)
