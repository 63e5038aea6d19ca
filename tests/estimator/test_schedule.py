"""The step size descends on a plateau or near the end, never while things improve."""

from estimator.result import StopReason
from estimator.schedule import PATIENCE, Schedule


def reported(validations: list[float], max_steps: int = 3000) -> Schedule:
    schedule = Schedule(max_steps)
    for number, validation in enumerate(validations, start=1):
        schedule = schedule.after(25 * number, validation)
    return schedule


def test_improving_validation_delays_the_descent() -> None:
    schedule = reported([float(number) for number in range(60)])
    assert schedule.descent_start is None
    assert schedule.best == 59.0


def test_a_plateau_begins_the_descent() -> None:
    schedule = reported([1.0] * (PATIENCE + 1))
    assert schedule.descent_start == 25 * (PATIENCE + 1)


def test_steps_left_begin_the_descent() -> None:
    schedule = reported([float(number) for number in range(72)])
    assert schedule.descent_start == 25 * 72  # 60 % of 3000
    assert schedule.factor(1800) == 1.0
    assert schedule.factor(2400) == 0.5
    assert schedule.stop_reason(3000) is StopReason.STEP_LIMIT


def test_first_report_counts_as_an_improvement() -> None:
    assert reported([-5.0]).best == -5.0
