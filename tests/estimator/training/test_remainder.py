"""The look at what a profile leaves: it goes on where there is something to find."""

from typing import Any

import numpy as np
import pytest
import torch

from kantor.estimator.config import EstimateConfig
from kantor.estimator.critics.profile import ProfilePotential, best_profiles
from kantor.estimator.pipeline import estimate_w1
from kantor.estimator.recipe import recipe_for
from kantor.estimator.result import StopReason
from kantor.estimator.samples.sides import prepared
from kantor.estimator.training import remainder
from kantor.estimator.training.data import training_data
from kantor.estimator.training.race import Bar
from kantor.estimator.training.remainder import Move
from kantor.estimator.training.trained import (
    fitted_choices,
    folds_to_train,
    noise_of,
    score_of,
)

Pair = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def shifted(n: int, rng: np.random.Generator) -> Pair:
    x, y = rng.normal(size=(2, n, 8))
    return x, y + np.eye(8)[0]


def scaled(n: int, rng: np.random.Generator) -> Pair:
    x, y = rng.normal(size=(2, n, 8))
    return 1.5 * x, y


def two_ways(n: int, rng: np.random.Generator) -> Pair:
    """Shift one coordinate, and part another into two clusters."""
    x, y = shifted(n, rng)
    y[:, 1] += 1.5 * rng.choice([-1.0, 1.0], n)
    return x, y


def circle(n: int, rng: np.random.Generator) -> Pair:
    """Three points against circles around them; no profile is a good critic."""
    centers = 4.0 * np.array([[-1.0, 0.0], [0.0, 1.5], [1.0, 0.0]])
    x, y = (centers[rng.integers(3, size=n)] for _ in range(2))
    angles = rng.uniform(0.0, 2.0 * np.pi, n)
    return x, y + np.column_stack([np.cos(angles), np.sin(angles)])


def goes_on(pair: Pair, **settings: Any) -> list[int]:
    config = EstimateConfig(**settings)
    partition, _ = prepared(*pair, config)
    recipe = recipe_for(config, partition.n_fit)
    data = training_data(
        partition, config, torch.device("cpu"), batch_size=recipe.largest_batch
    )
    choices = fitted_choices(data, config)
    best = [max(fold, key=score_of) for fold in choices]
    bars = [
        Bar(choice.score, noise_of(choice.critic, data, partition, fold))
        for fold, choice in enumerate(best)
    ]
    return folds_to_train(data, choices, bars, recipe, config)


@pytest.mark.parametrize("problem", [shifted, scaled])
def test_nothing_is_left_where_one_feature_says_it_all(problem: Any) -> None:
    pair = problem(2000, np.random.default_rng(1))
    assert goes_on(pair) == []


@pytest.mark.parametrize("problem", [two_ways, circle])
def test_what_is_left_is_found(problem: Any) -> None:
    pair = problem(2000, np.random.default_rng(1))
    assert goes_on(pair) == [0]


def test_what_is_not_clear_goes_on() -> None:
    x, y = np.random.default_rng(1).normal(size=(2, 400, 8))
    assert goes_on((x, y)) == [0]


def test_all_is_tried_where_that_is_asked_for() -> None:
    pair = shifted(600, np.random.default_rng(1))
    assert goes_on(pair, effort="thorough") == [0]
    assert goes_on(pair, critic="network") == [0]


def test_all_is_tried_where_samples_are_many(monkeypatch: Any) -> None:
    pair = shifted(2000, np.random.default_rng(1))
    monkeypatch.setattr(remainder, "MOST_FIT", 500)
    assert goes_on(pair) == [0]


def test_each_fold_decides_for_itself() -> None:
    assert goes_on(shifted(2000, np.random.default_rng(1)), folds=2) == []
    assert goes_on(two_ways(2000, np.random.default_rng(1)), folds=2) == [0, 1]


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_a_move_costs_what_the_profile_finds(norm: Any) -> None:
    x, y = scaled(2000, np.random.default_rng(2))
    for profile in best_profiles(x, y, norm):
        moved = Move.between(profile, x, y)(x)
        order = 2 if norm == "l2" else np.inf
        cost = np.linalg.norm(moved - x, order, axis=1).mean()
        u, v = np.sort(profile.feature(moved)), np.sort(profile.feature(y))
        # To the spacing of 1,025 quantiles.
        assert np.abs(u - v).mean() < 0.01
        before = np.abs(np.sort(profile.feature(x)) - v).mean()
        assert cost == pytest.approx(before, rel=0.02)


def test_a_center_itself_moves_nowhere_far() -> None:
    line: Any = None
    profile = ProfilePotential(np.zeros(2), line, radial=True, norm="l2")
    move = Move(profile, np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    np.testing.assert_array_equal(move(np.zeros((1, 2))), np.zeros((1, 2)))


def test_an_answer_without_training_is_whole() -> None:
    x, y = shifted(1500, np.random.default_rng(3))
    found = estimate_w1(x, y)
    assert found.stop_reason is StopReason.SETTLED
    assert found.steps == 0
    assert [point.step for point in found.curve] == [0]
    assert found.critic_family in ("affine", "profile")
    assert 0.8 < found.lower_bound <= 1.0
    assert found.critic is not None
