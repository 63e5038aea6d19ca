"""The step size: constant while validation improves, then a descent to zero."""

from kantor.estimator.result import StopReason
from kantor.estimator.training.schedule import PATIENCE, Schedule


def after_reports(schedule: Schedule, values: list[float], every: int = 10) -> Schedule:
    for i, value in enumerate(values, start=1):
        schedule = schedule.after(i * every, value)
    return schedule


def test_steady_improvement_keeps_the_full_step_size() -> None:
    schedule = after_reports(Schedule(1000), [0.1 * i for i in range(1, 31)])
    assert schedule.descent_start is None
    assert schedule.factor(300) == 1.0
    assert schedule.stop_reason(300) is None


def test_a_first_report_counts_as_an_improvement() -> None:
    schedule = Schedule(1000).after(10, -3.0)
    assert (schedule.best, schedule.stale) == (-3.0, 0)


def test_a_plateau_begins_the_descent() -> None:
    schedule = after_reports(Schedule(1000), [1.0] * (PATIENCE + 1))
    assert schedule.descent_start == 10 * (PATIENCE + 1)


def test_the_limit_leaves_room_for_the_whole_descent() -> None:
    schedule = after_reports(Schedule(100), [float(i) for i in range(1, 7)])
    assert schedule.descent_start == 60
    assert schedule.factor(60) == 1.0
    assert schedule.factor(80) == 0.5
    assert schedule.factor(100) == 0.0


def test_ends_at_the_limit() -> None:
    schedule = after_reports(Schedule(100), [float(i) for i in range(1, 10)])
    assert schedule.stop_reason(99) is None
    assert schedule.stop_reason(100) is StopReason.STEP_LIMIT


def test_ends_early_after_a_plateau() -> None:
    schedule = Schedule(1000, descent_start=400)
    assert schedule.stop_reason(799) is None
    assert schedule.stop_reason(800) is StopReason.CONVERGED


def test_a_descent_is_no_longer_than_what_was_before_it() -> None:
    schedule = Schedule(1000, descent_start=100)
    assert schedule.factor(150) == 0.5
    assert schedule.stop_reason(199) is None
    assert schedule.stop_reason(200) is StopReason.CONVERGED


def test_nobody_left_to_hope_begins_the_descent() -> None:
    assert Schedule(1000).after(25, 1.0, calm=True).descent_start == 25
    # With folds it must not: it would tell of other folds' objectives.
    crossed = Schedule(1000, adaptive=False).after(25, 1.0, calm=True)
    assert crossed.descent_start is None


def test_ends_when_validation_falls_during_the_descent() -> None:
    schedule = Schedule(1000, descent_start=100, best=1.0)
    for i in range(PATIENCE):
        schedule = schedule.after(110 + 10 * i, 0.5)
    assert schedule.stop_reason(110 + 10 * PATIENCE) is StopReason.CONVERGED
