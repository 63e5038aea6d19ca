"""Train a batch of critics by steps on the dual objective, keeping the best of each.

`train` moves a `TrainingState` from report to report. The state is plain tensors and
numbers, so that it can be saved (`estimator.checkpoint`) and gone on with exactly.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from estimator.batches import Batches
from estimator.errors import EstimationStopped
from estimator.methods import Memory, Method
from estimator.objective import dual_objective
from estimator.result import CurvePoint, Progress, StopReason
from estimator.schedule import Schedule
from models.critic import Critic

REPORT_EVERY = 25
REPORT_ROWS = 16_384
"""Validation rows a side that a report looks at."""


@dataclass(frozen=True)
class TrainingState:
    """Everything that training needs to go on.

    Attributes:
        parameters: Raw parameters of K critics.
        memory: Moving averages of the method.
        best: Effective critics with the best validation objective so far.
        best_validation: That objective of each (K,).
        step: Steps taken.
        schedule: State of the step size.
        curve: Reports so far, in the units of the data.
        elapsed_s: Training time so far.
    """

    parameters: Critic
    memory: Memory
    best: Critic
    best_validation: Tensor
    step: int
    schedule: Schedule
    curve: tuple[CurvePoint, ...]
    elapsed_s: float


@dataclass(frozen=True)
class Problem:
    """What is trained on: batches of both sides, validation samples, the unit."""

    source: Batches
    target: Batches
    validation_x: Tensor
    validation_y: Tensor
    unit: float
    learning_rate: float


def initial_state(critic: Critic, method: Method, max_steps: int) -> TrainingState:
    """Return the state before the first step."""
    device = critic.weights[0].device
    return TrainingState(
        parameters=critic,
        memory=method.initial_memory(critic),
        best=method.effective(critic),
        best_validation=torch.full((critic.n_critics,), -torch.inf, device=device),
        step=0,
        schedule=Schedule(max_steps),
        curve=(),
        elapsed_s=0.0,
    )


def train(
    state: TrainingState,
    problem: Problem,
    method: Method,
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
            state, objective = take_step(state, problem, method)
            objectives.append(objective)
        elapsed_s = time.monotonic() - started
        state = report(state, problem, method, torch.stack(objectives), elapsed_s)
        on_progress(
            Progress(
                step=state.step,
                max_steps=state.schedule.max_steps,
                point=state.curve[-1],
            )
        )
    return state, reason


def take_step(
    state: TrainingState, problem: Problem, method: Method
) -> tuple[TrainingState, Tensor]:
    """Take one step; return the objectives (K,) of its batch beside the new state."""
    x, y = problem.source.batch(state.step), problem.target.batch(state.step)
    leaves = state.parameters.map(lambda p: p.detach().requires_grad_())
    objective = dual_objective(method.effective(leaves), x, y)
    gradients = torch.autograd.grad(objective.sum(), leaves.tensors())
    with torch.no_grad():
        parameters, memory = method.step(
            state.parameters,
            state.memory,
            gradients,
            step=state.step,
            learning_rate=problem.learning_rate * state.schedule.factor(state.step),
        )
    moved = replace(state, parameters=parameters, memory=memory, step=state.step + 1)
    return moved, objective.detach()


@torch.no_grad()
def report(
    state: TrainingState,
    problem: Problem,
    method: Method,
    objectives: Tensor,
    elapsed_s: float,
) -> TrainingState:
    """Evaluate on validation samples, keep the better critics, extend the curve."""
    critic = method.effective(state.parameters)
    validation = dual_objective(critic, problem.validation_x, problem.validation_y)
    better = validation > state.best_validation
    best = max(float(validation.max()), float(state.best_validation.max()))
    leader = int(torch.where(better, validation, state.best_validation).argmax())
    point = CurvePoint(
        step=state.step,
        elapsed_s=elapsed_s,
        train=problem.unit * float(objectives[:, leader].mean()),
        validation=problem.unit * float(validation[leader]),
        learning_rate=problem.learning_rate * state.schedule.factor(state.step),
    )
    return replace(
        state,
        best=merge(critic, state.best, better),
        best_validation=torch.where(better, validation, state.best_validation),
        schedule=state.schedule.after(state.step, best),
        curve=(*state.curve, point),
        elapsed_s=elapsed_s,
    )


def merge(new: Critic, old: Critic, take_new: Tensor) -> Critic:
    """Return critics of `new` where `take_new` (K,) holds, of `old` elsewhere."""
    mask = take_new[:, None, None]

    def pick(pairs: tuple[tuple[Tensor, Tensor], ...]) -> tuple[Tensor, ...]:
        return tuple(torch.where(mask, a, b) for a, b in pairs)

    return replace(
        new,
        weights=pick(tuple(zip(new.weights, old.weights, strict=True))),
        biases=pick(tuple(zip(new.biases, old.biases, strict=True))),
    )
