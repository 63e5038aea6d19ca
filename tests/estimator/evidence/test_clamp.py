"""The clamp range: where it is narrow, where it is whole, and what it reports."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from kantor.estimator.evidence.bounds import TestValues, betting_bound
from kantor.estimator.evidence.clamp import chosen_clamp

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Array]


def sides(
    rng: np.random.Generator, n: int, draw: Draw, delta: float
) -> tuple[Array, Array]:
    return draw(rng, n) + delta, draw(rng, n)


def normal(rng: np.random.Generator, n: int) -> Array:
    return rng.normal(size=n)


def t2(rng: np.random.Generator, n: int) -> Array:
    return rng.standard_t(2, size=n)


def test_many_test_samples_of_light_tails_get_the_whole_range() -> None:
    rng = np.random.default_rng(0)
    fit, validation = sides(rng, 5000, normal, 1.0), sides(rng, 1000, normal, 1.0)
    clamp = chosen_clamp(fit, validation, test_pairs=10**6, confidence=0.95)
    every = np.concatenate((*fit, *validation))
    assert clamp.low == every.min()
    assert clamp.high == every.max()


@pytest.mark.parametrize("draw", [t2, normal])
def test_a_clamp_tightens_the_bound_where_tails_are_heavy_or_samples_few(
    draw: Draw,
) -> None:
    rng = np.random.default_rng(1)
    clamped, whole = [], []
    k = 250 if draw is t2 else 50
    for _ in range(40):
        fit, validation = (sides(rng, n, draw, 0.7) for n in (400, 100))
        x, y = sides(rng, k, draw, 0.7)
        clamp = chosen_clamp(fit, validation, test_pairs=k, confidence=0.95)
        values = TestValues(
            clamp(x), clamp(y), clamp.value_range, clamp.expected, clamp.spread
        )
        clamped.append(betting_bound([values], confidence=0.95))
        seen = np.concatenate((*fit, *validation))
        low, high = seen.min(), seen.max()
        x, y = np.clip(x, low, high), np.clip(y, low, high)
        values = TestValues(x, y, high - low, clamp.expected, clamp.spread)
        whole.append(betting_bound([values], confidence=0.95))
    assert np.mean(clamped) > np.mean(whole) + 0.05


def test_it_reports_what_the_clamped_values_show() -> None:
    rng = np.random.default_rng(2)
    fit, validation = sides(rng, 400, t2, 1.0), sides(rng, 200, t2, 1.0)
    clamp = chosen_clamp(fit, validation, test_pairs=300, confidence=0.95)
    x, y = (clamp(side) for side in validation)
    assert clamp.expected == pytest.approx(x.mean() - y.mean())
    assert clamp.value_range == clamp.high - clamp.low
    assert clamp.spread == pytest.approx(np.hypot(x.std(), y.std()), rel=0.2)


def test_constant_values_have_an_empty_range() -> None:
    ones = np.ones(20), np.ones(20)
    clamp = chosen_clamp(ones, ones, test_pairs=20, confidence=0.95)
    assert clamp.value_range == 0.0
