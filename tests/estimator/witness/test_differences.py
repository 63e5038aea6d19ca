"""Where two samples differ: known answers for extremes, features and histograms."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from kantor.estimator import Differences, EstimateConfig, estimate_w1
from kantor.estimator.critics.cones import ConePotential
from kantor.estimator.critics.network import NetworkPotential
from kantor.estimator.samples.pair import Pair
from kantor.estimator.samples.scaling import Scaler
from kantor.estimator.witness.differences import (
    BINS,
    EXTREMES,
    FEATURES,
    GRADIENT_WORK,
    _first,
    differences_of,
)
from kantor.estimator.witness.document import CriticFile, score
from kantor.models.vocabulary import Norm

Array = NDArray[np.float64]

QUICK = EstimateConfig(effort="quick", steps=75, sample_bounds=False)
FAMILIES = [
    QUICK.replace(critic="network"),
    QUICK.replace(critic="cones"),
    QUICK.replace(norm="linf"),
]
each_family = pytest.mark.parametrize(
    "config", FAMILIES, ids=["network", "cones", "linf"]
)


def linear(direction: list[float]) -> CriticFile:
    """Return the critic x -> direction . x, unclamped where |x| stays below 100."""
    d = len(direction)
    return CriticFile(
        family="affine",
        function=NetworkPotential([np.array([direction])], [], "maxmin", 2),
        scaler=Scaler(center=np.zeros(d), deviation=np.ones(d), unit=1.0),
        low=-100.0,
        high=100.0,
        lipschitz_bound=1.0,
    )


def described(critic: CriticFile, pair: Pair, *, norm: Norm = "l2") -> Differences:
    x, y = (critic.function(np.asarray(side, float)) for side in (pair.x, pair.y))
    return differences_of(critic, pair, x, y, norm=norm, seed=0)


@cache
def shifted() -> tuple[Array, Array]:
    """Draw two 5-d Gaussians, of which the target lies 3 further along feature 2."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 400, 5))
    y[:, 2] += 3.0
    return x, y


@each_family
def test_a_shift_is_attributed_to_its_feature(config: EstimateConfig) -> None:
    found = estimate_w1(*shifted(), config).differences
    first = found.attribution[0]
    assert first.feature == 2
    assert first.share > 0.75  # the rest is what a short training leaves
    assert first.slope is not None
    assert first.slope < -0.75  # the target has more of it
    assert sorted(item.feature for item in found.attribution) == list(range(5))


@each_family
def test_the_gradient_is_nowhere_longer_than_1(config: EstimateConfig) -> None:
    norm = estimate_w1(*shifted(), config).differences.gradient_norm
    assert 0.75 < norm.mean <= 1.0 + 1e-9
    assert 0.0 <= norm.steep_share <= 1.0
    assert norm.rows == 800


def test_the_shares_of_orthonormal_critics_sum_to_1() -> None:
    config = QUICK.replace(critic="network")
    found = estimate_w1(*shifted(), config).differences
    assert abs(sum(item.share for item in found.attribution) - 1.0) < 1e-3
    assert found.gradient_norm.steep_share == 1.0


def test_standardized_features_are_compared_in_their_deviations() -> None:
    x, y = (side * [1000.0, 1.0, 1.0, 1.0, 1e-3] for side in shifted())
    config = QUICK.replace(critic="network", scaling="standardize")
    found = estimate_w1(x, y, config).differences
    assert found.attribution[0].feature == 2
    assert abs(sum(item.share for item in found.attribution) - 1.0) < 1e-3


@each_family
def test_the_gradient_is_that_of_finite_differences(config: EstimateConfig) -> None:
    x, y = shifted()
    critic = CriticFile.from_bytes(estimate_w1(x, y, config).critic)
    free = replace(critic, low=-np.inf, high=np.inf)
    steps = 1e-6 * np.eye(5)
    quotients = np.stack(
        [(free.potential(x + e) - free.potential(x - e)) / 2e-6 for e in steps], axis=1
    )
    off = np.abs(free.gradient(x) - quotients).max(1)
    # A kink within a step of a sample is rare, and the quotient is no gradient there.
    assert np.quantile(off, 0.99) < 1e-5


def test_planted_outliers_are_the_extremes() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 400, 3))
    planted = rng.choice(400, EXTREMES, replace=False)
    x[planted] += [30.0, 0.0, 0.0]
    found = estimate_w1(x, y, QUICK).differences
    assert {item.row for item in found.source_extremes} == set(planted.tolist())


@pytest.mark.parametrize("distinct", [1, 3, 1000])
@pytest.mark.parametrize("n", [1, 10, 11, 500])
def test_the_first_are_those_of_a_stable_sort(n: int, distinct: int) -> None:
    values = np.random.default_rng(n).integers(distinct, size=n).astype(float)
    expected = np.argsort(values, kind="stable")[:10]
    assert _first(values, 10).tolist() == expected.tolist()


def test_extremes_are_ordered_and_carry_their_scores() -> None:
    x, y = shifted()
    estimate = estimate_w1(x, y, QUICK)
    extremes = estimate.differences.target_extremes
    values = [item.value for item in extremes]
    assert values == sorted(values)
    scored = score(estimate.critic, y[[item.row for item in extremes]])
    np.testing.assert_allclose(values, scored, atol=1e-6)


def test_samples_without_weight_are_no_extremes() -> None:
    x = np.linspace(0.0, 1.0, 50)[:, None]
    weights = (x[:, 0] < 0.5).astype(float)
    found = described(linear([1.0]), Pair(x, x, weights, None))
    assert found.source_extremes[0].row == 24
    assert found.target_extremes[0].row == 0
    assert sum(found.histogram.source[BINS // 2 :]) == 0.0


def test_histograms_hold_the_shares_of_each_side() -> None:
    x, y = np.array([[0.0], [0.0], [0.0], [8.0]]), np.array([[4.1], [8.0]])
    histogram = described(linear([1.0]), Pair(x, y)).histogram
    assert (histogram.edges[0], histogram.edges[-1]) == (0.0, 8.0)
    assert (histogram.source[0], histogram.source[-1]) == (0.75, 0.25)
    assert (histogram.target[BINS // 2], histogram.target[-1]) == (0.5, 0.5)


@pytest.mark.parametrize("value", [0.0, 1e-300, 7.0])
def test_equal_values_still_have_bins(value: float) -> None:
    x = np.full((50, 1), value)
    histogram = described(linear([1.0]), Pair(x, x)).histogram
    assert np.all(np.diff(histogram.edges) > 0)
    assert sum(histogram.source) == 1.0


def test_a_linf_gradient_is_measured_by_its_l1_norm() -> None:
    x = np.random.default_rng(3).normal(size=(50, 2))
    found = described(linear([0.25, -0.75]), Pair(x, x), norm="linf")
    assert [item.share for item in found.attribution] == [0.75, 0.25]
    assert [item.slope for item in found.attribution] == [-0.75, 0.25]
    assert found.gradient_norm.mean == 1.0


def test_large_critics_are_looked_at_in_fewer_places() -> None:
    d = 2000
    rng = np.random.default_rng(5)
    function = ConePotential(rng.normal(size=(1000, d)), np.zeros(1000), 0.1, 1, "l2")
    critic = replace(linear([0.0] * d), function=function)
    x = rng.normal(size=(300, d))
    found = described(critic, Pair(x, x))
    assert found.gradient_norm.rows == 2 * (GRADIENT_WORK // (1000 * d + 1000))


def test_the_largest_of_many_features_are_kept() -> None:
    direction = np.random.default_rng(4).normal(size=FEATURES + 10)
    x = np.zeros((50, len(direction)))
    found = described(linear(direction.tolist()), Pair(x, x)).attribution
    assert len(found) == FEATURES
    assert found[0].feature == np.abs(direction).argmax()


def test_weights_say_how_many_test_samples_they_leave() -> None:
    x, y = shifted()
    weights = np.tile([1.0, 0.5], 200)
    found = estimate_w1(x, y, QUICK, source_weights=weights).warnings
    assert any("The source's weights left" in warning for warning in found)
    assert not any("target" in warning for warning in found)
