"""Train a portfolio of critics on the dual objective, keeping the best of each.

`train` moves a `TrainingState` from report to report. The state is plain tensors and
numbers, so that it can be saved (`checkpoint`) and gone on with exactly.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kantor.estimator.errors import EstimationStopped, InvalidConfig
from kantor.estimator.result import CurvePoint, Progress, StopReason
from kantor.estimator.training.batches import FoldBatches
from kantor.estimator.training.objective import dual_objective
from kantor.estimator.training.race import after_race
from kantor.estimator.training.schedule import Schedule
from kantor.estimator.training.teams import Team, leaders
from kantor.models.critic import mapped

REPORT_EVERY = 25
REPORT_ROWS = 16_384
"""Validation rows a side that a report looks at."""


@dataclass(frozen=True)
class TrainingState:
    """Everything that training needs to go on.

    Attributes:
        teams: The competing critics; a team whose members have all left is empty.
        step: Steps taken.
        schedule: State of the step size.
        curve: Reports so far, in the units of the data.
        elapsed_s: Training time so far.
    """

    teams: tuple[Team, ...]
    step: int
    schedule: Schedule
    curve: tuple[CurvePoint, ...]
    elapsed_s: float

    @property
    def racing(self) -> tuple[Team, ...]:
        """Return the teams that still have members."""
        return tuple(team for team in self.teams if team.members)


@dataclass(frozen=True)
class Problem:
    """What is trained on: batches of both sides, validation samples, the unit."""

    source: FoldBatches
    target: FoldBatches
    validation_x: Tensor
    validation_y: Tensor
    unit: float


def initial_state(
    teams: Sequence[Team], max_steps: int, *, adaptive: bool = True
) -> TrainingState:
    """Return the state before the first step."""
    return TrainingState(tuple(teams), 0, Schedule(max_steps, adaptive), (), 0.0)


def train(
    state: TrainingState,
    problem: Problem,
    *,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
    checkpoint: Callable[[TrainingState], bytes],
) -> tuple[TrainingState, StopReason]:
    """Take steps until the schedule ends, and say why it did.

    Raises:
        EstimationStopped: `should_stop` answered true. Its checkpoint is the state of
            the last report, so that a resumed run repeats at most a few steps and its
            curve is the uninterrupted one.
    """
    started = time.monotonic() - state.elapsed_s
    while (reason := state.schedule.stop_reason(state.step)) is None:
        last_report, objectives = state, []
        for _ in range(min(REPORT_EVERY, state.schedule.max_steps - state.step)):
            if should_stop():
                raise EstimationStopped(checkpoint(last_report))
            state, objective = take_step(state, problem)
            objectives.append(objective)
        train_objective = torch.stack(objectives).mean(0)
        state = report(state, problem, train_objective, time.monotonic() - started)
        on_progress(
            Progress(
                step=state.step,
                max_steps=state.schedule.max_steps,
                point=state.curve[-1],
            )
        )
    return state, reason


def take_step(state: TrainingState, problem: Problem) -> tuple[TrainingState, Tensor]:
    """Take one step of every racing team.

    Returns:
        The new state, and the objectives of the step's batch: those of all members of
        all racing teams, one after another.
    """
    x, y = problem.source.batch(state.step), problem.target.batch(state.step)
    factor = state.schedule.factor(state.step)
    teams, objectives = [], []
    for team in state.teams:
        if team.members:
            team, objective = team_step(team, x, y, step=state.step, factor=factor)
            objectives.append(objective)
        teams.append(team)
    moved = replace(state, teams=tuple(teams), step=state.step + 1)
    return moved, torch.cat(objectives)


def team_step(
    team: Team, x: Tensor, y: Tensor, *, step: int, factor: float
) -> tuple[Team, Tensor]:
    """Take one step of one team on batches (F, B, d); return its objectives (K,)."""
    x, y = x[:, : team.batch_size], y[:, : team.batch_size]
    leaves = mapped(team.parameters, lambda p: p.detach().requires_grad_())
    objective = dual_objective(team.method.effective(leaves), x, y, team.folds)
    gradients = torch.autograd.grad(objective.sum(), leaves.tensors())
    with torch.no_grad():
        return team.moved(gradients, step=step, factor=factor), objective.detach()


@torch.no_grad()
def report(
    state: TrainingState, problem: Problem, objectives: Tensor, elapsed_s: float
) -> TrainingState:
    """Evaluate on validation samples, run the race, extend the curve.

    The curve shows each fold's leader, in the mean of the folds.

    Raises:
        InvalidConfig: All critics of a fold diverged.
    """
    teams, found, constants = [], [], []
    for team in state.teams:
        if team.members:
            critic = team.effective()
            constants.append(team.constants(critic))
            validation = dual_objective(
                critic, problem.validation_x, problem.validation_y, team.folds
            )
            found.append(validation / constants[-1])
            team = team.judged(critic, found[-1])
        teams.append(team)
    racing = [team for team in teams if team.members]
    leading = leaders(racing)

    def of_leaders(values: Sequence[Tensor]) -> float:
        return float(torch.cat([*values])[leading].mean())

    score = of_leaders([team.best_validation for team in racing])
    rate = of_leaders([team.rates for team in racing])
    if not math.isfinite(score):
        raise InvalidConfig(
            "learning_rate",
            f"expected a smaller step size than {rate:.3g}: training diverged within "
            f"{state.step} steps",
        )
    point = CurvePoint(
        step=state.step,
        elapsed_s=elapsed_s,
        train=problem.unit * of_leaders([objectives / torch.cat(constants)]),
        validation=problem.unit * of_leaders(found),
        learning_rate=rate * state.schedule.factor(state.step),
    )
    schedule = state.schedule.after(state.step, score)
    return replace(
        state,
        teams=after_race(teams, schedule, state.step),
        schedule=schedule,
        curve=(*state.curve, point),
        elapsed_s=elapsed_s,
    )
