"""Train a portfolio of critics on the dual objective, keeping the best of each.

`train` moves a `TrainingState` from report to report. The state is plain tensors and
numbers, so that it can be saved (`checkpoint`) and gone on with exactly.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from kantor.estimator.errors import EstimationStopped, InvalidConfig
from kantor.estimator.result import CurvePoint, Progress, StopReason
from kantor.estimator.training.crew import ALONE, Crew
from kantor.estimator.training.data import TrainingData
from kantor.estimator.training.objective import measured
from kantor.estimator.training.portfolio import Portfolio, leaders_of, scores_of
from kantor.estimator.training.race import Bar, after_race, hopeful_runners
from kantor.estimator.training.schedule import Schedule
from kantor.estimator.training.steps import Measures, Window, take
from kantor.estimator.training.thinning import thinned_teams

REPORT_EVERY = 25


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
        count = min(REPORT_EVERY, state.schedule.max_steps - state.step)
        try:
            state, objectives = take_steps(
                state, data, count, should_stop=should_stop, crew=crew
            )
        except EstimationStopped as stopped:
            raise EstimationStopped(checkpoint(state)) from stopped
        elapsed_s = time.monotonic() - started
        state = report(state, data, bars, objectives, elapsed_s=elapsed_s)
        state = state if rejoin is None else rejoin(state)
        on_progress(
            Progress(
                step=state.step,
                max_steps=state.schedule.max_steps,
                point=state.curve[-1],
            )
        )
    return state, reason


def take_steps(
    state: TrainingState,
    data: TrainingData,
    count: int = 1,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    position: int | None = None,
    crew: Crew = ALONE,
) -> tuple[TrainingState, Measures]:
    """Take steps of every team; return the mean objectives of their batches as well.

    Args:
        state: Where the training stands.
        data: What it sees.
        count: Of the steps.
        should_stop: Asked before each.
        position: How far the job has come, against others beside which it is trained;
            None: by its steps.
        crew: The processes that take them together.

    Raises:
        EstimationStopped: `should_stop` answered true; without a checkpoint.
    """
    window = Window(
        state.portfolio,
        data,
        state.schedule,
        step=state.step,
        count=count,
        should_stop=lambda: crew.agrees(should_stop()),
        position=state.step if position is None else position,
        crew=crew,
    )
    taken = take(window)
    moved = replace(state, portfolio=taken.portfolio, step=state.step + count)
    return moved, taken.objectives


@torch.no_grad()
def report(
    state: TrainingState,
    data: TrainingData,
    bars: Sequence[Bar],
    objectives: Measures,
    *,
    elapsed_s: float,
) -> TrainingState:
    """Evaluate on validation samples, run the race, thin who stays, extend the curve.

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
        found = measured(critic, data.validation_x, data.validation_y, team.folds)
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
    staying = after_race(judged, schedule, state.step, bars)
    return replace(
        state,
        portfolio=thinned_teams(staying, data, state.step),
        schedule=schedule,
        curve=(*state.curve, point),
        elapsed_s=elapsed_s,
    )
