"""What training hands over: certified critics, chosen on validation alone."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from kantor.estimator import EstimationStopped, InvalidInput
from kantor.estimator.result import StopReason
from kantor.estimator.training import Trained, train_critics
from kantor.estimator.training.objective import dual_objective
from kantor.estimator.training.trained import fitted_choices, score_of


def run(found: Any, **options: Any) -> Trained:
    return train_critics(
        found.partition,
        found.config,
        found.recipe,
        torch.device("cpu"),
        on_progress=options.get("on_progress", lambda progress: None),
        should_stop=options.get("should_stop", lambda: False),
        resume_from=options.get("resume_from"),
    )


def validation_of(found: Any, trained: Trained, fold: int) -> float:
    """Return what the chosen critic of a fold reaches on its validation samples."""
    chosen, data = trained.chosen[fold], found.data
    x, y = (v[fold : fold + 1].double() for v in (data.validation_x, data.validation_y))
    value = dual_objective(chosen.critic, x, y, [0])
    return float(value) / chosen.lipschitz_bound


@pytest.mark.parametrize("folds", [1, 2])
def test_each_fold_has_a_certified_critic(
    folds: int, setting: Callable[..., Any]
) -> None:
    trained = run(setting(folds=folds, steps=10))
    assert len(trained.chosen) == len(trained.last) == folds
    for critic in (*trained.chosen, *trained.last):
        assert abs(critic.lipschitz_bound - 1.0) < 1e-5
        assert critic.critic.n_critics == 1


@pytest.mark.parametrize("critic", ["network", "cones"])
def test_the_chosen_is_at_least_as_good_as_any_report(
    critic: str, setting: Callable[..., Any]
) -> None:
    found = setting(critic=critic, steps=75)
    trained = run(found)
    highest = max(point.validation for point in trained.curve)
    # Reports are in float32.
    assert found.data.unit * validation_of(found, trained, 0) >= highest * (1 - 1e-5)


def test_the_chosen_is_never_below_what_was_fitted_at_once(
    setting: Callable[..., Any],
) -> None:
    found = setting(steps=1)  # hardly anything has been learned
    [choices] = fitted_choices(found.data, found.config)
    best = max(choices, key=score_of)
    # Float32 against float64.
    assert validation_of(found, run(found), 0) >= best.score - 1e-5


def test_it_says_how_it_went(setting: Callable[..., Any]) -> None:
    trained = run(setting(steps=10))
    assert trained.steps == 10 == trained.curve[-1].step
    assert trained.stop_reason is StopReason.STEP_LIMIT


def test_its_checkpoint_needs_no_step_more(setting: Callable[..., Any]) -> None:
    found = setting(steps=10)
    trained = run(found)
    again = run(found, resume_from=trained.checkpoint(), should_stop=lambda: True)
    assert again.curve == trained.curve
    for one, other in zip(trained.chosen, again.chosen, strict=True):
        pairs = zip(one.critic.tensors(), other.critic.tensors(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


def test_a_stop_carries_a_checkpoint_of_the_settings(
    setting: Callable[..., Any],
) -> None:
    found = setting(steps=30)
    with pytest.raises(EstimationStopped) as stopped:
        run(found, should_stop=lambda: True)
    with pytest.raises(InvalidInput, match="same samples and settings"):
        run(setting(steps=31), resume_from=stopped.value.checkpoint)
