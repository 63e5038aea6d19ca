"""What an estimate costs as n, d and K grow: `python -m benchmarks.scaling`.

A training step touches one batch, so its time should not depend on the number n of
samples; the final evaluation touches every sample once, so its time should grow with n
alone. K critics trained as one batch should cost less each than one alone. Times are
processor seconds, the fewest of several rounds, so that other work on the machine
disturbs them least.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.pictures import new_axes, save
from benchmarks.tables import machine, print_table
from benchmarks.trainings import data_of
from kantor.estimator.critics import Start
from kantor.estimator.evidence.certified import evaluated
from kantor.estimator.samples.scaling import fit_scaler
from kantor.estimator.training.data import TrainingData
from kantor.estimator.training.loop import initial_state, take_steps
from kantor.estimator.training.team import initial_team
from kantor.models.activations import Activation
from kantor.models.constraints import Stiefel
from kantor.models.methods import Method
from kantor.models.network import Network, initial_network
from kantor.models.optimizers import SpectralAscent

Samples = NDArray[np.float32]

GROUP_SIZE = 8


@dataclass(frozen=True)
class Size:
    """One cell of the grid: samples a side, features, critics in the batch."""

    n: int
    dim: int
    critics: int


@dataclass(frozen=True)
class Cost:
    """Processor seconds of a step, and of the evaluation of one critic on n samples."""

    step_s: float
    evaluation_s: float


@dataclass(frozen=True)
class Setup:
    """What all cells share."""

    width: int
    depth: int
    batch_size: int
    rounds: int


def cost(size: Size, setup: Setup) -> Cost:
    """Measure one cell on Gaussians."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, size.n, size.dim)).astype(np.float32)
    network = initial_network(
        size.dim,
        width=setup.width,
        depth=setup.depth,
        activations=(Activation("groupsort", GROUP_SIZE),) * size.critics,
        generator=torch.Generator().manual_seed(0),
    )
    scaler = fit_scaler(x, y, "scalar")
    task = data_of(x, y, scaler, batch_size=setup.batch_size)
    one = evaluated(network.select([0]), "network")
    return Cost(
        step_s=fastest(stepper(network, task), setup.rounds),
        evaluation_s=fastest(lambda: one.values(x, scaler), 2),
    )


def stepper(network: Network, task: TrainingData) -> Callable[[], None]:
    """Return a function that takes the next step of a training."""
    start = Start(
        network,
        Method(Stiefel(), SpectralAscent()),
        rates=(0.1,) * network.n_critics,
        batch_size=10**6,
    )
    state = initial_state({"network": initial_team(start, folds=1)}, max_steps=10**6)

    def step() -> None:
        nonlocal state
        state, _ = take_steps(state, task)

    return step


def fastest(function: Callable[[], object], rounds: int) -> float:
    """Return the fewest processor seconds of `rounds` calls, after a warm-up."""
    function()
    times = []
    for _ in range(rounds):
        started = time.process_time()
        function()
        times.append(time.process_time() - started)
    return min(times)


def grid(max_n: int) -> dict[str, list[Size]]:
    """Return the cells by the size that varies in them."""
    base = Size(n=min(20_000, max_n), dim=32, critics=1)
    samples = (n for n in (5_000, 20_000, 80_000, 320_000) if n <= max_n)
    return {
        "n": [replace(base, n=n) for n in samples],
        "dim": [replace(base, dim=dim) for dim in (2, 8, 32, 128, 512)],
        "critics": [replace(base, critics=k) for k in (1, 2, 4, 8, 16)],
    }


def row(size: Size, found: Cost) -> list[str]:
    """Return the cells of the table."""
    return [
        f"{size.n:,}",
        str(size.dim),
        str(size.critics),
        f"{1e3 * found.step_s:.1f}",
        f"{1e3 * found.step_s / size.critics:.1f}",
        f"{found.evaluation_s:.3f}",
        f"{1e6 * found.evaluation_s / size.n:.2f}",
    ]


HEADER = [
    "n", "d", "K", "step ms", "step ms / K", "evaluation s", "evaluation µs / n"
]  # fmt: skip


def draw(costs: dict[str, list[tuple[Size, Cost]]]) -> None:
    """Draw step and evaluation times relative to the smallest size of each kind."""
    axes = new_axes()
    for name, cells in costs.items():
        sizes = np.array([getattr(size, name) for size, _ in cells])
        steps = np.array([found.step_s for _, found in cells])
        axes.loglog(sizes / sizes[0], steps / steps[0], "o-", label=f"step in {name}")
    sizes = np.array([size.n for size, _ in costs["n"]])
    seconds = np.array([found.evaluation_s for _, found in costs["n"]])
    axes.loglog(sizes / sizes[0], seconds / seconds[0], "s--", label="evaluation in n")
    axes.set_xlabel("size, relative to the smallest")
    axes.set_ylabel("time, relative to the smallest")
    axes.legend()
    save(axes, "scaling")


def main() -> None:
    """Print the table and draw the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--max-n", type=int, default=80_000, help="most samples a side")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=20, help="steps timed in a cell")
    arguments = parser.parse_args()
    setup = Setup(
        arguments.width, arguments.depth, arguments.batch_size, arguments.rounds
    )
    costs = {
        name: [(size, cost(size, setup)) for size in sizes]
        for name, sizes in grid(arguments.max_n).items()
    }
    print(f"{machine()}; {vars(arguments)}\n")
    print_table(HEADER, [row(*cell) for cells in costs.values() for cell in cells])
    draw(costs)


if __name__ == "__main__":
    main()
