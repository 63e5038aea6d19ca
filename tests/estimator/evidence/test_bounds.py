"""Lower bounds: validity, width, and what they claim to detect."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, norm

from kantor.estimator.evidence.bounds import (
    TestValues,
    bernstein_bound,
    betting_bound,
    mean_difference,
    paired_differences,
    standard_error,
    student_bound,
)
from kantor.estimator.evidence.detectable import detectable_distance

Array = NDArray[np.float64]
Bound = Callable[..., float]

BOUNDS: list[Bound] = [betting_bound, bernstein_bound, student_bound]


def part(
    rng: np.random.Generator,
    n: int,
    delta: float = 0.0,
    *,
    draw: Callable[[int], Array] | None = None,
    reach: float | None = None,
) -> TestValues:
    draw = draw or (lambda size: rng.uniform(-0.5, 0.5, size))
    x, y = draw(n) + delta, draw(n)
    spread = float(np.hypot(x.std(), y.std()))
    return TestValues(x, y, reach or 1.0 + abs(delta), delta, spread)


def allowed(trials: int, level: float = 0.05, chance: float = 1e-3) -> int:
    """The most false alarms that chance gives a valid bound but one time in 1,000."""
    return int(binom.ppf(1 - chance, trials, level))


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("sizes", [(20,), (100,), (30, 60)])
def test_false_alarms_stay_within_the_level(
    bound: Bound, sizes: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(400):
        parts = [part(rng, n, 0.2) for n in sizes]
        alarms += bound(parts, confidence=0.95) > 0.2
    assert alarms <= allowed(400)


def test_betting_holds_for_rare_large_losses() -> None:
    # Student's t fails here: most samples never see the values that pull the mean down.
    rng = np.random.default_rng(1)

    def skewed(size: int) -> Array:
        return np.where(rng.random(size) < 0.01, -0.5, 0.005)

    alarms: dict[Bound, int] = {betting_bound: 0, student_bound: 0}
    for _ in range(400):
        x, y = skewed(60), np.zeros(60)
        truth = 0.01 * -0.5 + 0.99 * 0.005
        values = TestValues(x, y, 0.505, 0.005, 0.02)
        for bound in alarms:
            alarms[bound] += bound([values], confidence=0.95) > truth
    assert alarms[betting_bound] <= allowed(400)
    assert alarms[student_bound] > 100


def test_wrong_expectations_cost_width_and_not_validity() -> None:
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(400):
        x, y = rng.uniform(-0.5, 0.5, (2, 50))
        values = TestValues(x, y, 1.0, expected=5.0, spread=1e-3)
        alarms += betting_bound([values], confidence=0.95) > 0.0
    assert alarms <= allowed(400)


def test_betting_is_about_as_tight_as_the_normal_quantile() -> None:
    rng = np.random.default_rng(3)
    n, widths = 1000, []
    for _ in range(20):
        values = part(rng, n, 0.3)
        error = standard_error([values])
        gap = values.difference - betting_bound([values], confidence=0.95)
        widths.append(gap / error)
    assert np.mean(widths) < 1.12 * norm.ppf(0.95)


def test_betting_improves_on_bernstein_and_never_exceeds_the_estimate() -> None:
    rng = np.random.default_rng(4)
    for n in (20, 200, 3000):
        values = [part(rng, n, 0.3)]
        lower = betting_bound(values, confidence=0.95)
        assert bernstein_bound(values, confidence=0.95) < lower
        assert lower <= mean_difference(values)


def test_more_confidence_gives_a_lower_bound() -> None:
    values = [part(np.random.default_rng(5), 300, 0.3)]
    for bound in BOUNDS:
        levels = [bound(values, confidence=c) for c in (0.8, 0.95, 0.999)]
        assert levels == sorted(levels, reverse=True)


def test_unequal_sides_use_every_value() -> None:
    rng = np.random.default_rng(6)
    x, y = rng.uniform(-0.5, 0.5, 4000) + 0.2, rng.uniform(-0.5, 0.5, 400)
    assert len(paired_differences(x, y)) == 400
    few = TestValues(x[:400], y, 1.2, 0.2, 0.4)
    many = TestValues(x, y, 1.2, 0.2, 0.4)
    width = {
        v: v_.difference - betting_bound([v_], confidence=0.95)
        for v, v_ in (("few", few), ("many", many))
    }
    assert width["many"] < 0.9 * width["few"]


def test_constant_values_bound_nothing() -> None:
    values = [TestValues(np.ones(10), np.ones(10), 0.0)]
    assert betting_bound(values, confidence=0.95) == 0.0
    assert student_bound(values, confidence=0.95) == 0.0


def test_crossed_parts_add_deviations() -> None:
    rng = np.random.default_rng(7)
    parts = [part(rng, 100) for _ in range(4)]
    crossed = standard_error(parts, order="crossed")
    assert crossed == pytest.approx(np.mean([p.error for p in parts]))
    assert standard_error(parts) == pytest.approx(crossed / 2, rel=0.1)


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("sizes", [(60,), (400,), (150, 100)])
@pytest.mark.parametrize("narrow", [False, True])
def test_detectable_distance_is_detected_four_times_in_five(
    bound: Bound, sizes: tuple[int, ...], narrow: bool
) -> None:
    rng = np.random.default_rng(8)

    def draw(size: int) -> Array:
        width = 0.03 if narrow else 0.3
        return np.clip(width * rng.normal(size=size), -0.5, 0.5)

    hits = []
    for _ in range(8):
        given = [part(rng, n, draw=draw, reach=2.0) for n in sizes]
        distance = detectable_distance(bound, given, rng, confidence=0.95)
        for _ in range(15):
            parts = [part(rng, n, distance, draw=draw, reach=2.0) for n in sizes]
            hits.append(bound(parts, confidence=0.95) > 0.0)
    # 0.7 to 0.9, and two standard errors of 120 trials and 8 resamplings.
    assert 0.68 <= np.mean(hits) <= 0.95
