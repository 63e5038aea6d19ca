"""When to slow down and when to stop: a constant step size, then a linear descent to 0.

The descent begins when the validation objective stops improving, or when just enough
steps are left for it. Training ends with the descent, or early when validation falls
while training rises.
"""

from dataclasses import dataclass, replace

from kantor.estimator.result import StopReason

DESCENT_FRACTION = 0.4
"""Share of the step limit that the descent takes."""

PATIENCE = 10
"""Reports without improvement that count as a plateau."""

TOLERANCE = 2e-3
"""Relative improvement below which a report counts as none."""


@dataclass(frozen=True)
class Schedule:
    """State of the step size: where the descent began, and how long nothing improved.

    Attributes:
        max_steps: Steps at most.
        adaptive: Whether the validation objective decides when to slow down and stop.
            With several folds it must not: when to stop one of them would depend on
            objectives of the others, and so on its own test samples.
        descent_start: First step of the descent, None before it begins.
        best: Best validation objective, to within `TOLERANCE`.
        stale: Reports since `best` was set.
    """

    max_steps: int
    adaptive: bool = True
    descent_start: int | None = None
    best: float = float("-inf")
    stale: int = 0

    @property
    def descent_steps(self) -> int:
        """Length of the descent: a share of the step limit, or what is left of it."""
        limit = max(1, round(DESCENT_FRACTION * self.max_steps))
        if self.descent_start is None:
            return limit
        return max(1, min(limit, self.max_steps - self.descent_start))

    @property
    def is_stale(self) -> bool:
        """Whether the objective stopped improving, and that counts."""
        return self.adaptive and self.stale >= PATIENCE

    def factor(self, step: int) -> float:
        """Return the share of the learning rate that applies at a step, in [0, 1]."""
        if self.descent_start is None:
            return 1.0
        done = (step - self.descent_start) / self.descent_steps
        return max(0.0, 1.0 - done)

    def after(self, step: int, validation: float) -> "Schedule":
        """Return the schedule after a report at `step` steps taken."""
        better = validation - self.best > TOLERANCE * abs(validation)
        schedule = replace(
            self,
            best=validation if better else self.best,
            stale=0 if better else self.stale + 1,
        )
        if schedule.descent_start is not None:
            return schedule
        if schedule.is_stale or step >= self.max_steps - self.descent_steps:
            return replace(schedule, descent_start=step, stale=0)
        return schedule

    def stop_reason(self, step: int) -> StopReason | None:
        """Return why training ends after `step` steps, None while it goes on."""
        if self.descent_start is None:
            return StopReason.STEP_LIMIT if step >= self.max_steps else None
        if step >= self.max_steps:
            return StopReason.STEP_LIMIT
        ended = step >= self.descent_start + self.descent_steps
        if ended or self.is_stale:
            return StopReason.CONVERGED
        return None
