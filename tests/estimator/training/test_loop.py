"""The loop: steps climb, reports judge and extend the curve, stops lose nothing."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from kantor.estimator import EstimationStopped, InvalidConfig
from kantor.estimator.result import Progress, StopReason
from kantor.estimator.training.loop import (
    REPORT_EVERY,
    TrainingState,
    report,
    take_steps,
    train,
)


def trained(found: Any, state: TrainingState | None = None, **options: Any) -> Any:
    return train(
        state or found.start(),
        found.data,
        found.bars,
        on_progress=options.get("on_progress", lambda progress: None),
        should_stop=options.get("should_stop", lambda: False),
        checkpoint=options.get("checkpoint", lambda state: b""),
    )


def weights_of(state: TrainingState) -> list[torch.Tensor]:
    return [
        tensor
        for team in state.portfolio.values()
        for tensor in (*team.parameters.tensors(), *team.best.tensors())
    ]


def test_a_step_moves_every_team_and_counts(setting: Callable[..., Any]) -> None:
    found = setting()
    start = found.start()
    state, objectives = take_steps(start, found.data)
    assert state.step == 1
    assert set(objectives) == set(start.portfolio)
    for name, team in state.portfolio.items():
        before = start.portfolio[name].parameters.tensors()
        assert objectives[name].shape == (len(team.places),)
        assert not torch.equal(before[0], team.parameters.tensors()[0])


def test_steps_climb_the_dual_objective(setting: Callable[..., Any]) -> None:
    found = setting(steps=100, critic="network")
    state, _ = trained(found)
    curve = [point.train for point in state.curve]
    assert curve[-1] > 1.5 * curve[0] > 0.0


def test_a_report_judges_on_validation_samples(setting: Callable[..., Any]) -> None:
    found = setting()
    state, objectives = take_steps(found.start(), found.data)
    state = report(state, found.data, found.bars, objectives, elapsed_s=2.5)
    (point,) = state.curve
    best = max(float(t.best_validation.max()) for t in state.portfolio.values())
    assert point.validation == pytest.approx(found.data.unit * best)
    assert (point.step, point.elapsed_s) == (1, 2.5)


@pytest.mark.parametrize("steps", [7, REPORT_EVERY, 2 * REPORT_EVERY + 3])
def test_reports_come_at_equal_steps_and_at_the_last(
    steps: int, setting: Callable[..., Any]
) -> None:
    seen: list[Progress] = []
    state, reason = trained(setting(steps=steps), on_progress=seen.append)
    expected = [*range(REPORT_EVERY, steps, REPORT_EVERY), steps]
    assert [progress.step for progress in seen] == expected
    assert [progress.point for progress in seen] == list(state.curve)
    assert reason is StopReason.STEP_LIMIT


@pytest.fixture(scope="module")
def whole(setting: Callable[..., Any]) -> TrainingState:
    """Return the state after an uninterrupted training of 50 steps."""
    state: TrainingState = trained(setting(steps=50))[0]
    return state


@pytest.mark.parametrize("stop_at", [0, REPORT_EVERY - 1, REPORT_EVERY, 40])
def test_a_stop_hands_over_the_last_report(
    stop_at: int, setting: Callable[..., Any], whole: TrainingState
) -> None:
    found, asked, kept = setting(steps=50), iter(range(1000)), []

    def checkpoint(state: TrainingState) -> bytes:
        kept.append(state)
        return b"kept"

    with pytest.raises(EstimationStopped) as stopped:
        trained(
            found, should_stop=lambda: next(asked) >= stop_at, checkpoint=checkpoint
        )
    assert stopped.value.checkpoint == b"kept"
    assert kept[0].step == stop_at // REPORT_EVERY * REPORT_EVERY
    resumed, _ = trained(found, kept[0])
    pairs = zip(weights_of(resumed), weights_of(whole), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_the_best_critic_outlives_worse_steps(
    setting: Callable[..., Any], whole: TrainingState
) -> None:
    highest = max(point.validation for point in whole.curve)
    best = max(float(t.best_validation.max()) for t in whole.portfolio.values())
    assert setting().data.unit * best == pytest.approx(highest, rel=1e-6)


def test_divergence_names_the_step_size(setting: Callable[..., Any]) -> None:
    found = setting()
    start = found.start()
    broken = {
        name: team.moved(
            tuple(torch.full_like(p, torch.nan) for p in team.parameters.tensors()),
            step=0,
            factor=1.0,
        )
        for name, team in start.portfolio.items()
    }
    state = TrainingState(broken, 1, start.schedule, (), 0.0)
    objectives = {n: torch.zeros(len(t.places)) for n, t in broken.items()}
    with pytest.raises(InvalidConfig) as refused:
        report(state, found.data, found.bars, objectives, elapsed_s=0.0)
    assert refused.value.field == "learning_rate"
    assert "diverged within 1 steps" in refused.value.reason
