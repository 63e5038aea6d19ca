"""The paper's recipe against our default: tightness for the same processor seconds.

The recipe of Anil, Lucas & Grosse (2019) is a MaxMin network whose weights go through
20 Björck iterations in every step, moved by Adam or AggMo. Ours moves the same network
along the Stiefel manifold; what a user gets by default is a portfolio of families. All
see the same samples. The recipe runs with several step sizes and is shown with the best
of them; ours run with their defaults.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.paper.ascent import DESCENT_SHARE, ascent, evaluated
from benchmarks.paper.devices import here, placed
from benchmarks.paper.methods import method_of
from benchmarks.paper.racing import Curve, Stopwatch, followed, tightness
from benchmarks.paper.reports import markdown, new_figure
from benchmarks.paper.trials import (
    Experiment,
    Figures,
    Outcome,
    Outcomes,
    Report,
    Settings,
    Trial,
)
from benchmarks.problems import Problem, select
from kantor.estimator import EstimateConfig, EstimationStopped, estimate_w1
from kantor.estimator.config import OptimizerName
from kantor.estimator.result import Progress
from kantor.models.activations import Activation
from kantor.models.network import Network, initial_network

TASKS = ("cones-2d", "mixture-16d")

MORE_TASKS = ("funnels-16d-64", "cone-128d")
"""At full sizes alone."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Contestant:
    """A network and how it is trained.

    Attributes:
        label: In table and picture.
        constraint: As `methods` names it.
        optimizer: As the estimator names it.
        rates: Step sizes; the best counts.
    """

    label: str
    constraint: str
    optimizer: OptimizerName
    rates: tuple[float, ...]


CONTESTANTS = {
    "adam": Contestant("MaxMin, Björck 20, Adam", "bjorck", "adam", (0.001, 0.005)),
    "aggmo": Contestant("MaxMin, Björck 20, AggMo", "bjorck", "aggmo", (0.05, 0.5)),
    "manifold": Contestant("MaxMin, Stiefel manifold", "stiefel", "manifold", (0.05,)),
}

DEFAULT = "Kantor's default"


@dataclass(frozen=True)
class Size:
    """How large networks and samples are, and how long all train."""

    width: int
    depth: int
    n: int
    budget_s: int


def samples(task: str, n: int, seed: int) -> tuple[Problem, Array, Array]:
    """Return a problem with n samples of each side."""
    problem = next(select(task))
    x, y = problem.sample(n, np.random.default_rng([seed, 5]))
    return problem, x, y


def trial(
    task: str, contestant: str, rate: float, seed: int, size: dict[str, int]
) -> Outcome:
    """Train one network for the budget, and look at its tightness on the way."""
    chosen, scale = CONTESTANTS[contestant], Size(**size)
    problem, x, y = samples(task, scale.n, seed)
    fresh = problem.sample(20_000, np.random.default_rng([seed, 6]))
    generator = torch.Generator().manual_seed(seed)
    start = initial_network(
        problem.dim, width=scale.width, depth=scale.depth,
        activations=(Activation("maxmin"),), generator=generator,
    )  # fmt: skip
    method, _ = method_of(chosen.constraint, chosen.optimizer)
    watch = Stopwatch()
    given = [torch.tensor(side, dtype=torch.float32).to(here()) for side in (x, y)]

    def dual_objective(critic: Network, _: int) -> Tensor:
        source, target = (
            side[torch.randint(len(side), (512,), generator=generator)]
            for side in given
        )
        return critic(source).mean(-1) - critic(target).mean(-1)

    def pace(_: int, __: int) -> float:
        return min(1.0, max(0.0, 1.0 - watch.used_s / scale.budget_s) / DESCENT_SHARE)

    way = ascent(
        placed(start), method, dual_objective, steps=10**9, rates=rate, pace=pace
    )
    critics = (partial(evaluated, parameters, method) for parameters in way)
    look = partial(tightness, problem=problem, fresh=fresh)
    return Outcome({"curve": followed(critics, look, watch, scale.budget_s)})


def default(task: str, seed: int, size: dict[str, int]) -> Outcome:
    """Run the estimator as it is, until it ends or the budget is spent."""
    scale = Size(**size)
    problem, x, y = samples(task, scale.n, seed)
    watch = Stopwatch()
    curve: Curve = []

    def note(progress: Progress) -> None:
        if progress.point is not None:
            share = progress.point.validation / problem.w1
            curve.append([watch.used_s, share, progress.step])

    config = EstimateConfig(seed=seed, sample_bounds=False, device="cpu")
    ended: dict[str, Any] = {"estimate": None}
    try:
        found = estimate_w1(
            x, y, config, on_progress=note,
            should_stop=lambda: watch.used_s >= scale.budget_s,
        )  # fmt: skip
        ended = {
            "estimate": found.estimate / problem.w1,
            "standard_error": found.standard_error / problem.w1,
            "processor_s": watch.used_s,
            "family": found.critic_family,
        }
    except EstimationStopped:
        pass
    return Outcome({"curve": curve, **ended})


def trials(settings: Settings) -> list[Trial]:
    """Return a trial for each task, contestant and step size."""
    size = {
        "width": settings.pick(128, 256),
        "depth": 3,
        "n": settings.pick(20_000, 100_000),
        "budget_s": settings.pick(20, 300),
    }
    given = {"seed": 0, "size": size}
    networks = [
        Trial(
            f"{task}-{name}-{round(1000 * rate)}",
            trial,
            {"task": task, "contestant": name, "rate": rate, **given},
        )
        for task in tasks_for(settings)
        for name, contestant in CONTESTANTS.items()
        for rate in contestant.rates
    ]
    defaults = [
        Trial(f"{t}-default", default, {"task": t, **given})
        for t in tasks_for(settings)
    ]
    return [*networks, *defaults]


def tasks_for(settings: Settings) -> tuple[str, ...]:
    """Return the names of the problems."""
    return TASKS + MORE_TASKS if settings.full else TASKS


def best_of(task: str, name: str, found: Outcomes) -> Curve:
    """Return the curve of the step size that ends highest."""
    curves = [
        found[f"{task}-{name}-{round(1000 * rate)}"].figures["curve"]
        for rate in CONTESTANTS[name].rates
    ]
    return max(curves, key=lambda curve: curve[-1][1])


def curves_of(task: str, found: Outcomes) -> dict[str, Curve]:
    """Return the curves of a task, by what to call them."""
    networks = {c.label: best_of(task, name, found) for name, c in CONTESTANTS.items()}
    return networks | {DEFAULT: whole(found[f"{task}-default"].figures)}


def whole(figures: Figures) -> Curve:
    """Return the curve of an estimation, its held-out estimate last if it came to one.

    There may be no other point: what is fitted at once can leave nothing to train.
    """
    curve: Curve = figures["curve"]
    if figures["estimate"] is None:
        return curve
    steps = curve[-1][2] if curve else 0
    return [*curve, [figures["processor_s"], figures["estimate"], steps]]


def share_at(curve: Curve, used_s: float) -> str:
    """Return the last share that was seen by a time."""
    seen = [share for time_s, share, _ in curve if time_s <= used_s + 0.5]
    return f"{seen[-1]:.3f}" if seen else ""


def report(settings: Settings, found: Outcomes) -> Report:
    """Return tightness at four times, and the curves."""
    budget = trials(settings)[0].arguments["size"]["budget_s"]
    times = [budget / 8, budget / 4, budget / 2, budget]
    rows = [
        [task, label, *(share_at(curve, t) for t in times), f"{curve[-1][2]:,}"]
        for task in tasks_for(settings)
        for label, curve in curves_of(task, found).items()
    ]
    header = ["task", "recipe", *(f"after {t:g} s" for t in times), "steps"]
    return Report(
        {"side-by-side": markdown(header, rows)},
        {"side-by-side": picture(settings, found)},
    )


def picture(settings: Settings, found: Outcomes) -> Figure:
    """Draw tightness over processor seconds."""
    tasks = tasks_for(settings)
    figure, axes = new_figure(1, len(tasks), width=4.0 * len(tasks), height=3.2)
    for ax, task in zip(axes[0], tasks, strict=True):
        for label, curve in curves_of(task, found).items():
            used, shares, _ = zip(*curve, strict=True)
            ax.plot(used, shares, ".-", label=label)
        ax.axhline(1.0, color="0.7", lw=0.8)
        ax.set_xscale("log")
        ax.set_ylim(0.0, 1.05)
        ax.set_title(task)
        ax.set_xlabel("processor seconds")
    axes[0][0].set_ylabel("share of the true W1")
    axes[0][0].legend(fontsize=7)
    return figure


EXPERIMENT = Experiment(
    "The paper's recipe and our default, by processor seconds", trials, report
)
