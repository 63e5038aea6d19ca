"""Bounds on a difference of means: valid, dual to their p-values, ordered."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from estimator.bounds import (
    MeanBound,
    TestValues,
    bernstein_bound,
    betting_bound,
    paired_differences,
    student_bound,
)

Array = NDArray[np.float64]

TRIALS = 400
CONFIDENCE = 0.9
# A valid bound errs in at most 10 % of trials: 40 of 400 on average, and more than 58
# with probability below 0.2 % (binomial). Seeds are fixed, so the tests do not flicker.
ALLOWED_ERRORS = 58


def betting(gx: Array, gy: Array, confidence: float = CONFIDENCE) -> MeanBound:
    return betting_bound([TestValues(gx, gy, 1.0)], confidence=confidence)


def bernstein(gx: Array, gy: Array, confidence: float = CONFIDENCE) -> MeanBound:
    return bernstein_bound([TestValues(gx, gy, 1.0)], confidence=confidence)


def student(gx: Array, gy: Array, confidence: float = CONFIDENCE) -> MeanBound:
    return student_bound([TestValues(gx, gy, 1.0)], confidence=confidence)


Draw = Callable[[np.random.Generator, int], Array]

LAWS: dict[str, Draw] = {
    "uniform": lambda rng, n: rng.random(n),
    "rare": lambda rng, n: (rng.random(n) < 0.05).astype(np.float64),
    "narrow": lambda rng, n: np.clip(0.5 + 0.05 * rng.normal(size=n), 0, 1),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("sizes", [(60, 60), (50, 400)])
@pytest.mark.parametrize("method", [betting, bernstein])
def test_exceeds_the_truth_no_more_often_than_promised(
    method: Callable[[Array, Array], MeanBound], sizes: tuple[int, int], law: str
) -> None:
    rng, draw = np.random.default_rng(7), LAWS[law]
    errors = sum(
        method(draw(rng, sizes[0]), draw(rng, sizes[1])).lower > 0.0
        for _ in range(TRIALS)
    )
    assert errors <= ALLOWED_ERRORS


@pytest.mark.parametrize("method", [betting, bernstein, student])
def test_p_value_and_bound_say_the_same(
    method: Callable[..., MeanBound],
) -> None:
    rng = np.random.default_rng(3)
    for shift in np.linspace(0.0, 0.5, 30):
        bound = method(0.5 * rng.random(150) + shift, 0.5 * rng.random(150))
        assert (bound.lower > 0.0) == (bound.p_value < 1.0 - CONFIDENCE)


def test_betting_approaches_the_difference() -> None:
    rng = np.random.default_rng(0)
    gx, gy = 0.5 + 0.2 * rng.random(20_000), 0.2 * rng.random(20_000)
    lower = betting(gx, gy).lower
    # 5 standard errors: sqrt(2 * 0.2^2 / 12 / 20,000) = 5.8e-4.
    assert 0.5 - 5 * 5.8e-4 - 1e-3 < lower <= gx.mean() - gy.mean()


def test_betting_beats_bernstein() -> None:
    rng = np.random.default_rng(1)
    gx, gy = rng.random(500), rng.random(500)
    assert betting(gx, gy).lower > bernstein(gx, gy).lower


@pytest.mark.parametrize("method", [betting, bernstein, student])
def test_higher_confidence_gives_a_lower_bound(
    method: Callable[..., MeanBound],
) -> None:
    rng = np.random.default_rng(2)
    gx, gy = rng.random(100), rng.random(100)
    assert method(gx, gy, 0.99).lower < method(gx, gy, 0.9).lower


@pytest.mark.parametrize("method", [betting, bernstein, student])
def test_constant_values_give_no_evidence(method: Callable[..., MeanBound]) -> None:
    bound = method(np.full(50, 0.3), np.full(60, 0.3))
    assert bound.lower <= 0.0
    assert bound.p_value == 1.0


@pytest.mark.parametrize("sizes", [(7, 7), (7, 30), (31, 7)])
def test_pairing_uses_every_value(sizes: tuple[int, int]) -> None:
    gx, gy = np.zeros(sizes[0]), np.zeros(sizes[1])
    gx[-1], gy[-1] = 1.0, 1.0
    z = paired_differences(gx, gy)
    assert len(z) == 7
    assert z[:-1].any() == False  # noqa: E712 - a numpy bool
    assert np.isclose(z[-1], 0.0) or sizes[0] != sizes[1]
