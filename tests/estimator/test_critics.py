"""Whatever critics are asked for, what comes out is certified and below the truth."""

from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from kantor.estimator import (
    Estimate,
    EstimateConfig,
    EstimationStopped,
    InvalidConfig,
    estimate_w1,
)
from kantor.estimator.config import ConstraintName, OptimizerName
from kantor.estimator.witness.document import score
from kantor.models.vocabulary import ActivationName

Array = NDArray[np.float64]

SMALL = EstimateConfig(
    effort="quick", steps=50, width=16, cones=32, sample_bounds=False
)


def shifted(n: int = 400, seed: int = 0) -> tuple[Array, Array]:
    """Draw two 3-d Gaussians, one moved by (3, 1, 1)."""
    x, y = np.random.default_rng(seed).normal(size=(2, n, 3))
    return x + np.array([3.0, 1.0, 1.0]), y


TRUTH = {"l2": 11.0**0.5, "linf": 3.0}


def scaled(n: int = 600, seed: int = 0) -> tuple[Array, Array]:
    """Draw a 3-d Gaussian and its double: no affine function tells them apart."""
    x, y = np.random.default_rng(seed).normal(size=(2, n, 3))
    return 2.0 * x, y


SCALED = (8.0 / np.pi) ** 0.5
"""W1 of `scaled`, the mean length of a 3-d Gaussian: each point moves outward."""


def below(estimate: Estimate, truth: float) -> bool:
    """Return whether bound and, but for 4 standard errors, estimate are below."""
    within = estimate.estimate <= truth + 4 * estimate.standard_error
    return within and estimate.lower_bound <= truth


def first_order(n: int) -> NDArray[np.intp]:
    """Return the order in which seed 0 splits the source's rows."""
    return np.random.default_rng([0, 0]).permutation(n)


def networks(**settings: Any) -> Estimate:
    return estimate_w1(*scaled(), SMALL.replace(critic="network", **settings))


@pytest.mark.parametrize("constraint", get_args(ConstraintName))
def test_every_constraint_is_certified(constraint: ConstraintName) -> None:
    norm = "linf" if constraint == "l1" else "l2"
    estimate = networks(constraint=constraint, norm=norm)
    assert below(estimate, SCALED)
    assert estimate.estimate > 0.0
    assert estimate.certificate.norm == norm
    assert estimate.certificate.lipschitz_bound < 2.0


@pytest.mark.parametrize("activation", get_args(ActivationName))
def test_every_activation_is_certified(activation: ActivationName) -> None:
    estimate = networks(activation=activation)
    assert below(estimate, SCALED)
    assert estimate.certificate.lipschitz_bound == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("optimizer", get_args(OptimizerName))
def test_every_optimizer_learns(optimizer: OptimizerName) -> None:
    estimate = networks(optimizer=optimizer, steps=75)
    assert below(estimate, SCALED)
    assert estimate.curve[-1].validation > 0.3


@pytest.mark.parametrize("width", [2, 15, 17])
def test_odd_widths_make_networks(width: int) -> None:
    assert below(networks(width=width), SCALED)


def test_cones_tell_what_no_affine_function_can() -> None:
    estimate = estimate_w1(*scaled(), SMALL.replace(critic="cones", steps=100))
    assert estimate.critic_family != "affine"
    assert below(estimate, SCALED)
    assert estimate.estimate > 0.6 * SCALED


@pytest.mark.parametrize("critic", ["portfolio", "network", "cones"])
@pytest.mark.parametrize("norm", TRUTH)
def test_a_shift_has_its_length_in_the_ground_norm(norm: str, critic: str) -> None:
    config = SMALL.replace(norm=norm, critic=critic, steps=25)
    estimate = estimate_w1(*shifted(), config)
    assert abs(estimate.estimate - TRUTH[norm]) < 4 * estimate.standard_error
    assert below(estimate, TRUTH[norm])


@pytest.mark.parametrize("critic", ["network", "cones"])
def test_linf_scores_never_climb_faster_than_linf_distance(critic: str) -> None:
    x, y = scaled()
    config = SMALL.replace(norm="linf", critic=critic)
    document = estimate_w1(x, y, config).critic
    slopes = np.abs(score(document, x) - score(document, y))
    assert (slopes <= np.abs(x - y).max(1) * (1 + 1e-7)).all()  # rounded distances


@pytest.mark.parametrize("folds", [2, 3])
def test_cross_fitting_tests_every_sample(folds: int) -> None:
    once, crossed = (estimate_w1(*scaled(), SMALL.replace(folds=f)) for f in (1, folds))
    assert below(crossed, SCALED)
    # Deviations of dependent folds add, so that testing all rows narrows nothing alone.
    assert crossed.standard_error < 1.5 * once.standard_error
    assert crossed.estimate > 0.8 * SCALED


def test_cross_fitting_finds_no_difference_where_none_is() -> None:
    x, y = np.random.default_rng(3).normal(size=(2, 300, 3))
    estimate = estimate_w1(x, y, SMALL.replace(folds=3))
    assert estimate.lower_bound <= 0.0
    assert estimate.p_value > 0.05


def test_a_folds_critic_never_saw_its_test_samples() -> None:
    x, y = scaled(n=200)
    config = SMALL.replace(folds=2, steps=75, cones=4)
    changed = x.copy()
    changed[first_order(200)[:100]] = 0.0  # what fold 0 tests, and fold 1 trains on
    one, other = (score(estimate_w1(s, y, config).critic, y) for s in (x, changed))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("stop_at", [10, 40])
def test_cross_fitting_resumes_in_the_middle_of_a_race(stop_at: int) -> None:
    config, asked = SMALL.replace(folds=2, critic="cones"), iter(range(1000))
    with pytest.raises(EstimationStopped) as stopped:
        estimate_w1(*scaled(), config, should_stop=lambda: next(asked) >= stop_at)
    resumed = estimate_w1(*scaled(), config, resume_from=stopped.value.checkpoint)
    whole = estimate_w1(*scaled(), config)
    assert resumed.critic == whole.critic
    assert resumed.lower_bounds == whole.lower_bounds


def test_weights_stand_for_a_mixture() -> None:
    rng = np.random.default_rng(0)
    near = rng.random(800) < 0.5
    x = rng.normal(size=800) + np.where(near, 2.0, 10.0)
    y = rng.normal(size=800)
    # Weights 9 : 1 make it 0.9 N(2, 1) + 0.1 N(10, 1), to the right of N(0, 1).
    weights = np.where(near, 9.0, 1.0)
    estimate = estimate_w1(x, y, SMALL, source_weights=weights)
    assert abs(estimate.estimate - 2.8) < 4 * estimate.standard_error
    assert estimate.lower_bound <= 2.8


def test_whole_weights_are_as_repeated_rows() -> None:
    x, y = scaled()
    counts = 1 + (x[:, 0] > 0)
    weighted = estimate_w1(x, y, SMALL, source_weights=counts)
    repeated = estimate_w1(np.repeat(x, counts, axis=0), y, SMALL)
    errors = weighted.standard_error + repeated.standard_error
    assert abs(weighted.estimate - repeated.estimate) < 4 * errors


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_only_ratios_of_weights_matter(scale: float) -> None:
    x, y = scaled()
    weights = np.random.default_rng(1).random(len(y))
    one, other = (
        estimate_w1(x, y, SMALL, target_weights=w) for w in (weights, scale * weights)
    )
    assert one.estimate == pytest.approx(other.estimate, rel=0.05)  # rounding, trained


def test_repeated_rows_are_warned_of() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 100, 4))
    plain = estimate_w1(x, y, SMALL)
    tripled = estimate_w1(np.repeat(x, 3, axis=0), y, SMALL)
    assert not any("equal samples" in w for w in plain.warnings)
    assert any("equal samples that training saw" in w for w in tripled.warnings)


def test_repeats_of_whole_numbers_are_their_nature() -> None:
    x, y = np.random.default_rng(0).integers(0, 3, size=(2, 100, 2))
    warnings = estimate_w1(x, y, SMALL).warnings
    assert not any("equal samples" in w for w in warnings)


def test_a_rotation_keeps_the_distance() -> None:
    x, y = scaled()
    q = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    one, other = estimate_w1(x, y, SMALL), estimate_w1(x @ q.T, y @ q.T, SMALL)
    errors = one.standard_error + other.standard_error
    assert abs(one.estimate - other.estimate) < 4 * errors


@pytest.mark.parametrize("folds", [1, 2])
def test_standardizing_keeps_the_bracket_closed(folds: int) -> None:
    x, y = shifted(n=200)
    # Only one fold's deviation of the first feature sees this row.
    x[first_order(200)[-1], 0] = 300.0
    config = SMALL.replace(folds=folds, scaling="standardize", sample_bounds=True)
    estimate = estimate_w1(x, y, config)
    assert estimate.sample_lower_bound is not None
    assert estimate.sample_upper_bound is not None
    assert estimate.sample_lower_bound <= estimate.sample_upper_bound


@pytest.mark.parametrize("folds", [1, 20])
def test_fewest_samples_give_an_answer(folds: int) -> None:
    x, y = shifted(n=40)
    assert below(estimate_w1(x, y, SMALL.replace(folds=folds)), TRUTH["l2"])


@pytest.mark.parametrize("critic", ["portfolio", "network", "cones"])
def test_equal_point_masses_stay_in_a_long_race(critic: str) -> None:
    x = np.full((60, 2), 0.3)
    config = SMALL.replace(critic=critic, steps=300)
    assert estimate_w1(x, x, config).estimate == 0.0


def test_a_far_sample_changes_no_promise() -> None:
    x, y = shifted()
    x[first_order(400)[-1]] = 1e200  # a test row
    estimate = estimate_w1(x, y, SMALL)
    assert np.isfinite([estimate.estimate, estimate.lower_bound]).all()


def test_divergence_names_the_setting_to_lower() -> None:
    with pytest.raises(InvalidConfig, match="learning_rate: expected a smaller step"):
        networks(learning_rate=1.0, depth=3, group_size=16)
