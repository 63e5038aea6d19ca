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
from kantor.estimator.training.crew import ALONE, Crew
from kantor.estimator.training.data import TrainingData
from kantor.estimator.training.objective import dual_objective
from kantor.estimator.training.portfolio import Portfolio, leaders_of, scores_of
from kantor.estimator.training.race import Bar, after_race, hopeful_runners
from kantor.estimator.training.schedule import Schedule
from kantor.estimator.training.team import Team
from kantor.models.critic import mapped

REPORT_EVERY = 25

PROBE_STEPS, PROBE_BATCH = 50, 2048
"""Steps at first, and how many samples of each side they see at most.

Enough for critics to find where a difference hides; many more tell where exactly a cone
should stand.
"""

Measures = dict[str, Tensor]
"""One number a critic, by family, in the order of its team."""


@dataclass(frozen=True)
class TrainingState:
    """Everything that training needs to go on.

    Attributes:
        portfolio: The competing critics.
        step: Steps taken.
        schedule: State of the step size.
        curve: Reports so far, in the units of the data.
        elapsed_s: Training time so far.
    """

    portfolio: Portfolio
    step: int
    schedule: Schedule
    curve: tuple[CurvePoint, ...]
    elapsed_s: float

    def stop_reason(self) -> StopReason | None:
        """Return why training ends here, None while it goes on."""
        if all(team.rests for team in self.portfolio.values()):
            return StopReason.SETTLED
        return self.schedule.stop_reason(self.step)


def initial_state(
    portfolio: Portfolio, max_steps: int, *, adaptive: bool = True
) -> TrainingState:
    """Return the state before the first step."""
    return TrainingState(portfolio, 0, Schedule(max_steps, adaptive), (), 0.0)


def train(
    state: TrainingState,
    data: TrainingData,
    bars: Sequence[Bar],
    *,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
    checkpoint: Callable[[TrainingState], bytes],
    crew: Crew = ALONE,
    rejoin: Callable[[TrainingState], TrainingState] | None = None,
) -> tuple[TrainingState, StopReason]:
    """Take steps until the schedule ends or nobody moves, and say why.

    Several processes take them together as `crew`; after each report, `rejoin` returns
    the state of the first of them.

    Raises:
        EstimationStopped: `should_stop` answered true. Its checkpoint is the state of
            the last report, so that a resumed run repeats at most a few steps and its
            curve is the uninterrupted one.
    """
    started = time.monotonic() - state.elapsed_s
    while (reason := state.stop_reason()) is None:
        last_report, objectives = state, []
        for _ in range(min(REPORT_EVERY, state.schedule.max_steps - state.step)):
            if crew.agrees(should_stop()):
                raise EstimationStopped(checkpoint(last_report))
            state, objective = take_step(state, data, crew)
            objectives.append(objective)
        means = {
            name: torch.stack([o[name] for o in objectives]).mean(0)
            for name in state.portfolio
        }
        elapsed_s = time.monotonic() - started
        state = report(state, data, bars, means, elapsed_s=elapsed_s)
        state = state if rejoin is None else rejoin(state)
        on_progress(
            Progress(
                step=state.step,
                max_steps=state.schedule.max_steps,
                point=state.curve[-1],
            )
        )
    return state, reason


def take_step(
    state: TrainingState, data: TrainingData, crew: Crew = ALONE
) -> tuple[TrainingState, Measures]:
    """Take one step of every team; return the objectives of its batch as well."""
    x, y = data.source.batch(state.step), data.target.batch(state.step)
    factor = state.schedule.factor(state.step)
    moved, objectives = {}, {}
    for name, team in state.portfolio.items():
        moved[name], objectives[name] = team_step(
            team, x, y, step=state.step, factor=factor, crew=crew
        )
    return replace(state, portfolio=moved, step=state.step + 1), objectives


def team_step(
    team: Team,
    x: Tensor,
    y: Tensor,
    *,
    step: int,
    factor: float,
    crew: Crew = ALONE,
) -> tuple[Team, Tensor]:
    """Take one step of one team on batches (F, B, d); return its objectives (K,)."""
    size = team.batch_size if step >= PROBE_STEPS else min(team.batch_size, PROBE_BATCH)
    x, y = x[:, :size], y[:, :size]
    leaves = mapped(team.parameters, lambda p: p.detach().requires_grad_())
    whole = None if crew.size == 1 else (x.shape[1], y.shape[1])
    x, y = crew.share(x), crew.share(y)
    objective = dual_objective(
        team.method.effective(leaves), x, y, team.folds, of=whole
    )
    gradients = torch.autograd.grad(objective.sum(), leaves.tensors())
    *summed, total = crew.summed([*gradients, objective.detach()])
    with torch.no_grad():
        return team.moved(tuple(summed), step=step, factor=factor), total


@torch.no_grad()
def report(
    state: TrainingState,
    data: TrainingData,
    bars: Sequence[Bar],
    objectives: Measures,
    *,
    elapsed_s: float,
) -> TrainingState:
    """Evaluate on validation samples, run the race, extend the curve.

    The curve shows each fold's leader, in the mean of the folds that still train.

    Raises:
        InvalidConfig: All critics of a fold diverged.
    """
    judged: Portfolio = {}
    train: Measures = {}
    validation: Measures = {}
    for name, team in state.portfolio.items():
        critic = team.effective()
        constants = team.constants(critic)
        found = dual_objective(critic, data.validation_x, data.validation_y, team.folds)
        train[name], validation[name] = objectives[name] / constants, found / constants
        judged[name] = team.judged(critic, validation[name])
    leaders = leaders_of(scores_of(judged))

    def of_leaders(values: Measures) -> float:
        places = [(name, judged[name].places.index(place)) for name, place in leaders]
        return float(torch.stack([values[name][k] for name, k in places]).mean())

    score = of_leaders({name: team.best_validation for name, team in judged.items()})
    rate = of_leaders({name: team.rates for name, team in judged.items()})
    if not math.isfinite(score):
        raise InvalidConfig(
            "learning_rate",
            f"expected a smaller step size than {rate:.3g}: training diverged within "
            f"{state.step} steps",
        )
    point = CurvePoint(
        step=state.step,
        elapsed_s=elapsed_s,
        train=data.unit * of_leaders(train),
        validation=data.unit * of_leaders(validation),
        learning_rate=rate * state.schedule.factor(state.step),
    )
    hopeful = hopeful_runners(judged, state.schedule, state.step, bars)
    schedule = state.schedule.after(state.step, score, calm=not hopeful)
    return replace(
        state,
        portfolio=after_race(judged, schedule, state.step, bars),
        schedule=schedule,
        curve=(*state.curve, point),
        elapsed_s=elapsed_s,
    )
