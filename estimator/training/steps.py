"""Windows of steps, taken for one training or for several side by side.

A step depends on its own training alone: the teams of several jobs that have one shape
are one larger team, with more folds. What goes wrong for many at once is tried for each
alone, so that whoever is to blame fails, and nobody else.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from itertools import groupby

import torch
from torch import Tensor

from kantor.estimator import pack
from kantor.estimator.errors import EstimationStopped
from kantor.estimator.training.crew import ALONE, Crew
from kantor.estimator.training.data import TrainingData
from kantor.estimator.training.objective import dual_objective
from kantor.estimator.training.portfolio import Portfolio
from kantor.estimator.training.schedule import Schedule
from kantor.estimator.training.squads import Batch, Squad, squads_of
from kantor.estimator.training.team import Team
from kantor.models.critic import mapped

PROBE_STEPS, PROBE_BATCH = 50, 2048
"""Steps at first, and how many samples of each side they see at most.

Enough for critics to find where a difference hides; many more tell where exactly a cone
should stand.
"""

Measures = dict[str, Tensor]
"""One number a critic, by family, in the order of its team."""


@dataclass(frozen=True)
class Taken:
    """What comes of a window.

    Attributes:
        portfolio: The teams, moved.
        objectives: Of the batches, in the mean of the steps.
    """

    portfolio: Portfolio
    objectives: Measures


@dataclass(frozen=True, eq=False)
class Window:
    """Steps that one training wants taken.

    Attributes:
        portfolio: Who moves.
        data: What they see.
        schedule: Their pace.
        step: Steps taken before.
        count: How many more are wanted.
        should_stop: Asked before every step.
        position: How far the job has come.
        crew: The processes that train it.
        outcome: `Taken`, or why there is none.
    """

    portfolio: Portfolio
    data: TrainingData
    schedule: Schedule
    step: int
    count: int
    should_stop: Callable[[], bool]
    position: int
    crew: Crew = ALONE
    outcome: "Future[Taken]" = field(default_factory=Future)


def take(window: Window) -> Taken:
    """Take the steps, with those of other jobs where this one belongs to a pack.

    Raises:
        EstimationStopped: `should_stop` answered true; without a checkpoint.
    """
    pack.take(window, take_all)
    return window.outcome.result()


def take_all(windows: Sequence[Window]) -> None:
    """Take the steps of all windows, those of one step and length as one batch."""
    for _, alike in groupby(sorted(windows, key=_kind), key=_kind):
        _attempt(list(alike))


def _kind(window: Window) -> tuple[int, int]:
    return window.step, window.count


def _attempt(windows: list[Window]) -> None:
    """Give each window its outcome; what fails for several is tried for each alone."""
    try:
        _take_together(windows)
    except Exception as error:  # noqa: BLE001  whoever waits is told
        if len(windows) == 1:
            windows[0].outcome.set_exception(error)
    for window in windows:  # out here, where the error keeps no memory any more
        if not window.outcome.done():
            _attempt([window])


def _take_together(windows: list[Window]) -> None:
    """Take the steps of windows of one kind; who shall stop is told so at once."""
    first, going = windows[0], windows
    squads: list[Squad] = []
    seen: list[list[Tensor]] = []
    for step in range(first.step, first.step + first.count):
        going = [window for window in going if _goes_on(window)]
        if not going:
            return
        batches = [_batch(window.data, step) for window in windows]
        squads = squads or squads_of([window.portfolio for window in windows], batches)
        factors = [window.schedule.factor(step) for window in windows]
        moved = [
            team_step(
                squad.team,
                *squad.batch(batches),
                step=step,
                factor=squad.factor(factors),
                crew=first.crew,
            )
            for squad in squads
        ]
        squads = [
            replace(squad, team=team)
            for squad, (team, _) in zip(squads, moved, strict=True)
        ]
        seen.append([objective for _, objective in moved])
    means = [torch.stack(of_squad).mean(0) for of_squad in zip(*seen, strict=True)]
    for job, taken in enumerate(_parted(squads, means, windows)):
        if windows[job] in going:
            windows[job].outcome.set_result(taken)


def _parted(
    squads: list[Squad], means: list[Tensor], windows: list[Window]
) -> list[Taken]:
    """Return what each job gets of the squads, and of their objectives."""
    taken = [Taken(dict(window.portfolio), {}) for window in windows]
    for squad, mean in zip(squads, means, strict=True):
        for part, team in squad.parted():
            taken[part.job].portfolio[part.name] = team
            taken[part.job].objectives[part.name] = mean[part.members]
    return taken


def _batch(data: TrainingData, step: int) -> Batch:
    return data.source.batch(step), data.target.batch(step)


def _goes_on(window: Window) -> bool:
    """Ask a training whether it shall go on; tell it where it shall not."""
    if not window.should_stop():
        return True
    window.outcome.set_exception(EstimationStopped(None))
    return False


def team_step(
    team: Team,
    x: Tensor,
    y: Tensor,
    *,
    step: int,
    factor: float | Tensor,
    crew: Crew = ALONE,
) -> tuple[Team, Tensor]:
    """Take one step of one team on batches (F, B, d); return its objectives (K,)."""
    size = team.batch_size if step >= PROBE_STEPS else min(team.batch_size, PROBE_BATCH)
    x, y = x[:, :size], y[:, :size]
    if team.jitter:
        x, y = (
            jittered(x, team.jitter, 2 * step),
            jittered(y, team.jitter, 2 * step + 1),
        )
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


def jittered(samples: Tensor, lengths: Sequence[float], seed: int) -> Tensor:
    """Return samples (F, B, d), moved by Gaussian noise of each fold's length.

    A critic that learns from them is the mean of itself around each sample, and cannot
    fit single ones. The noise is a function of the seed alone, the same in all folds
    and jobs but for its length.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(samples.shape[1:], generator=generator).to(samples)
    scales = samples.new_tensor(lengths) / math.sqrt(samples.shape[-1])
    return samples + scales[:, None, None] * noise
