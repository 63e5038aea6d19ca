"""Which networks can bend as they must: W1 = 1 between centers and circles around them.

The optimal critic is f(x) = -min_c |x - c|: the absolute value in one dimension, cones
in more. Its gradient has length 1 everywhere and turns at the center. A network under a
norm constraint whose activation loses gradient cannot do both (Anil, Lucas & Grosse
2019). Shares of the truth are dual objectives on fresh samples over the certified
constant, so none can exceed 1 but by sampling error.
"""

from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from benchmarks.paper.ascent import ascended
from benchmarks.paper.devices import here
from benchmarks.paper.methods import method_of
from benchmarks.paper.reports import markdown, new_figure
from benchmarks.paper.trials import (
    Experiment,
    Outcome,
    Outcomes,
    Report,
    Settings,
    Trial,
)  # fmt: skip
from benchmarks.problems import Problem, cones
from kantor.models.activations import Activation
from kantor.models.critic import lipschitz_bound
from kantor.models.network import Network, bent_at, initial_network

ACTIVATIONS = {
    "MaxMin": Activation("maxmin"),
    "GroupSort 4": Activation("groupsort", 4),
    "GroupSort 16": Activation("groupsort", 16),
    "FullSort": Activation("fullsort"),
    "ReLU": Activation("relu"),
    "leaky ReLU": Activation("leaky_relu"),
    "tanh": Activation("tanh"),
}

CONSTRAINTS = ("stiefel", "bjorck", "spectral", "parseval")

CENTERS = {
    "abs-1d": np.zeros((1, 1)),
    "cones-2d": np.array([[-2.0, 0.0], [0.0, 0.0], [2.0, 0.0]]),
    "cone-128d": np.zeros((1, 128)),
    "cone-256d": np.zeros((1, 256)),
    "cone-512d": np.zeros((1, 512)),
}

TEST_SAMPLES = 20_000

CPU = torch.device("cpu")

GRID = np.linspace(-3.5, 3.5, 71)


@dataclass(frozen=True)
class Size:
    """How large the networks of a problem are, and how long they train.

    `pace` is a factor of the methods' usual step sizes.
    """

    width: int
    steps: int
    batch_size: int = 256
    depth: int = 3
    pace: float = 1.0


QUICK = {
    "abs-1d": Size(width=32, steps=300),
    "cones-2d": Size(width=64, steps=1500, pace=0.4),
    "cone-128d": Size(width=128, steps=300),
    "cone-512d": Size(width=512, steps=80, batch_size=128, depth=2),
}

FULL = {
    "abs-1d": Size(width=128, steps=4000),
    "cones-2d": Size(width=256, steps=4000, pace=0.4),
    "cone-128d": Size(width=512, steps=4000),
    "cone-256d": Size(width=512, steps=4000),
    "cone-512d": Size(width=1024, steps=4000),
}


def trial(problem: str, constraint: str, seed: int, size: dict[str, float]) -> Outcome:
    """Train one network of each activation on the same samples, and test them."""
    chosen = Size(**size)  # type: ignore[arg-type]
    pair = cones(problem, CENTERS[problem])
    rng = np.random.default_rng([seed, 1])
    start = contenders(pair, chosen, seed)
    method, rate = method_of(constraint)

    def dual_objective(networks: Network, _: int) -> Tensor:
        x, y = drawn(pair, chosen.batch_size, rng, here())
        return networks(x).mean(-1) - networks(y).mean(-1)

    found = ascended(
        start, method, dual_objective, steps=chosen.steps, rates=chosen.pace * rate
    )
    bound = lipschitz_bound(found)
    exact = found.with_tensors([p.double() for p in found.tensors()])
    x, y = pair.sample(TEST_SAMPLES, np.random.default_rng([seed, 2]))
    values = [(exact(torch.tensor(rows)) / bound[:, None]).numpy() for rows in (x, y)]
    shares = values[0].mean(1) - values[1].mean(1)
    figures = {
        "shares": dict(zip(ACTIVATIONS, shares.tolist(), strict=True)),
        "lipschitz_bounds": dict(zip(ACTIVATIONS, bound.tolist(), strict=True)),
    }
    return Outcome(figures, {"surface": surface(exact, bound)})


def contenders(pair: Problem, size: Size, seed: int) -> Network:
    """Return one network an activation, bent at samples of both sides."""
    generator = torch.Generator().manual_seed(seed)
    networks = initial_network(
        pair.dim, width=size.width, depth=size.depth,
        activations=tuple(ACTIVATIONS.values()), generator=generator,
    )  # fmt: skip
    sides = drawn(pair, size.batch_size, np.random.default_rng([seed, 0]), CPU)
    rows = torch.cat(sides).expand(len(ACTIVATIONS), -1, -1)
    return bent_at(networks, rows, generator=generator)


def drawn(
    pair: Problem, n: int, rng: np.random.Generator, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return fresh samples of both sides, in single precision."""
    sides = (torch.tensor(rows, dtype=torch.float32) for rows in pair.sample(n, rng))
    return next(sides).to(device), next(sides).to(device)


def surface(networks: Network, bound: Tensor) -> np.ndarray:
    """Return values over the line, or the plane of the first two features."""
    dim = networks.dim
    across = GRID if dim > 1 else np.zeros(1)
    points = np.zeros((len(across) * len(GRID), dim))
    points[:, 0] = np.tile(GRID, len(across))
    if dim > 1:
        points[:, 1] = np.repeat(across, len(GRID))
    values = networks(torch.tensor(points)) / bound[:, None]
    return values.reshape(-1, len(across), len(GRID)).float().numpy()


def trials(settings: Settings) -> list[Trial]:
    """Return a trial for each problem, constraint and seed."""
    sizes = FULL if settings.full else QUICK
    return [
        Trial(
            f"{problem}-{constraint}-{seed}",
            trial,
            {"problem": problem, "constraint": constraint, "seed": seed,
             "size": vars(size)},
        )
        for problem, size in sizes.items()
        for constraint in CONSTRAINTS
        for seed in seeds_for(problem, constraint, settings)
    ]  # fmt: skip


def seeds_for(problem: str, constraint: str, settings: Settings) -> range:
    """Return the seeds to run: at quick sizes one, but three of the default constraint.

    Networks for 512 features take minutes each: at quick sizes one, of the default.
    """
    if settings.full:
        return range(3)
    if problem == "cone-512d":
        return range(1 if constraint == "stiefel" else 0)
    return range(3 if constraint == "stiefel" else 1)


def report(settings: Settings, found: Outcomes) -> Report:
    """Return shares of the truth by activation, and the surfaces."""
    rows = []
    for problem in FULL if settings.full else QUICK:
        for constraint in CONSTRAINTS:
            seeds = seeds_for(problem, constraint, settings)
            runs = [found[f"{problem}-{constraint}-{s}"].figures for s in seeds]
            cells = [
                shown([run["shares"][name] for run in runs]) for name in ACTIVATIONS
            ]
            if runs:
                rows.append([problem, constraint, str(len(seeds)), *cells])
    table = markdown(["problem", "constraint", "seeds", *ACTIVATIONS], rows)
    return Report({"expressivity": table}, {"expressivity": picture(found)})


def shown(shares: list[float]) -> str:
    """Return the mean over seeds, and the least and the most in brackets."""
    if len(shares) < 2:
        return "".join(f"{share:.3f}" for share in shares)
    return f"{np.mean(shares):.3f} ({min(shares):.3f} to {max(shares):.3f})"


def picture(found: Outcomes) -> Figure:
    """Draw what the networks of the first seed learned on the line and in the plane."""
    figure, axes = new_figure(2, len(ACTIVATIONS), width=13, height=4)
    line = found["abs-1d-stiefel-0"].arrays["surface"][:, 0]
    plane = found["cones-2d-stiefel-0"].arrays["surface"]
    for i, name in enumerate(ACTIVATIONS):
        inside = np.abs(GRID) <= 1.5
        axes[0][i].plot(GRID[inside], -np.abs(GRID[inside]), color="0.7", lw=3)
        middle = line[i] - line[i][len(GRID) // 2]
        axes[0][i].plot(GRID[inside], middle[inside])
        axes[0][i].set_title(name, fontsize=10)
        axes[0][i].set_ylim(-1.8, 1.2)
        axes[1][i].contourf(GRID, GRID, plane[i] - plane[i].max(), 20)
        axes[1][i].set_aspect("equal")
        for row in axes:
            row[i].tick_params(labelsize=7)
    return figure


EXPERIMENT = Experiment(
    "Which activations can represent the absolute value and cones", trials, report
)
