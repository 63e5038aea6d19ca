"""Bounds on a difference of means: valid, dual to their p-values, ordered."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from kantor.estimator.evidence.bounds import (
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
    k = min(sizes)
    assert len(paired_differences(gx, gy)) == k
    for values, sign in ((gx, 1.0), (gy, -1.0)):
        counted = np.zeros(k)
        for i in range(len(values)):
            values[i] = 1.0
            z = paired_differences(gx, gy)
            values[i] = 0.0
            # One pair moves, by the value's share of a run of nearly equal ones.
            (place,) = np.flatnonzero(z)
            assert sign * z[place] >= 1.0 / np.ceil(len(values) / k) - 1e-15
            counted[place] += sign * z[place]
        np.testing.assert_allclose(counted, 1.0)  # each pair is a mean of its run


@pytest.mark.parametrize("sizes", [(7, 7), (7, 30), (31, 7)])
def test_pairs_are_unbiased_whatever_the_sizes(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(4)
    z = [
        paired_differences(rng.random(sizes[0]) + 0.25, rng.random(sizes[1])).mean()
        for _ in range(4000)
    ]
    # 4 standard errors: sqrt(2 / (12 * 7) / 4,000) = 2.4e-3 at most.
    assert abs(np.mean(z) - 0.25) < 4 * 2.5e-3


def cross_fit(
    rng: np.random.Generator, folds: int = 3, n: int = 150
) -> list[TestValues]:
    """Test on each fold the function that looks best on the others; P = Q."""
    functions: list[Callable[[Array], Array]] = [
        lambda u: u, lambda u: 1 - u, lambda u: abs(2 * u - 1), lambda u: u**4,
    ]  # fmt: skip
    x, y = (np.array_split(rng.random(n), folds) for _ in range(2))
    parts = []
    for f in range(folds):
        others = [np.concatenate([*s[:f], *s[f + 1 :]]) for s in (x, y)]
        best = max(functions, key=lambda g: float((g(others[0]) - g(others[1])).mean()))
        parts.append(TestValues(best(x[f]), best(y[f]), 1.0))
    return parts


@pytest.mark.parametrize("method", [betting_bound, bernstein_bound])
def test_dependent_parts_err_no_more_often_than_promised(
    method: Callable[..., MeanBound],
) -> None:
    rng = np.random.default_rng(11)
    bounds = [method(cross_fit(rng), confidence=CONFIDENCE) for _ in range(TRIALS)]
    assert sum(bound.lower > 0.0 for bound in bounds) <= ALLOWED_ERRORS
    assert sum(bound.p_value < 0.1 for bound in bounds) <= ALLOWED_ERRORS


@pytest.mark.parametrize("method", [betting_bound, bernstein_bound, student_bound])
@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_bounds_scale_with_the_values(
    method: Callable[..., MeanBound], scale: float
) -> None:
    parts = cross_fit(np.random.default_rng(1))
    scaled = [TestValues(scale * p.x, scale * p.y, scale) for p in parts]
    one, other = (method(p, confidence=CONFIDENCE) for p in (parts, scaled))
    assert np.isclose(other.lower, scale * one.lower, rtol=1e-9)
    assert np.isclose(other.detectable, scale * one.detectable, rtol=1e-9)
    assert np.isclose(other.p_value, one.p_value, rtol=1e-9)


@pytest.mark.parametrize("method", [betting, bernstein, student])
@pytest.mark.parametrize("n", [100, 1000])
def test_the_detectable_distance_is_detected_as_often_as_stated(
    method: Callable[[Array, Array], MeanBound], n: int
) -> None:
    rng, detected = np.random.default_rng(9), 0
    for _ in range(200):
        u, v = 0.1 * rng.random((2, n))
        detected += method(u + method(u, v).detectable, v).lower > 0.0
    # 3 binomial standard errors are 0.085; betting takes a while to learn how to bet.
    assert 0.65 < detected / 200 < 0.9


def test_one_part_without_range_is_no_evidence() -> None:
    flat = TestValues(np.zeros(20), np.zeros(20), 0.0)
    rng = np.random.default_rng(0)
    other = TestValues(rng.random(20), rng.random(20), 1.0)
    bound = betting_bound([flat, other], confidence=CONFIDENCE)
    assert bound.lower <= 0.0 <= bound.p_value <= 1.0
