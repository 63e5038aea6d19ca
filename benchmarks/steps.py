"""Time per training step by method: `python -m benchmarks.steps [--width 256]`.

All methods train the same critic on the same Gaussian batches in one process, in turns,
so that a noisy machine disturbs them alike; the table gives medians and ratios to the
manifold method.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from benchmarks.tables import machine, print_table
from benchmarks.trainings import data_of
from kantor.estimator.critics import Start
from kantor.estimator.samples.scaling import fit_scaler
from kantor.estimator.training.data import TrainingData
from kantor.estimator.training.loop import initial_state, take_steps
from kantor.estimator.training.team import initial_team
from kantor.models.activations import Activation
from kantor.models.constraints import (
    Bjorck,
    Constraint,
    Parseval,
    Spectral,
    Stiefel,
    StiefelProjection,
)
from kantor.models.methods import Method
from kantor.models.network import initial_network
from kantor.models.optimizers import OPTIMIZERS

BASE = "Stiefel, manifold"

METHODS: dict[str, tuple[Constraint, str]] = {
    BASE: (Stiefel(), "manifold"),
    "Stiefel, Adam": (StiefelProjection(), "adam"),
    "Stiefel, SGD": (StiefelProjection(), "sgd"),
    "Stiefel, AggMo": (StiefelProjection(), "aggmo"),
    "Parseval, Adam": (Parseval(), "adam"),
    "spectral, Adam": (Spectral(), "adam"),
    "Björck 5, Adam": (Bjorck(iterations=5), "adam"),
    "Björck 20, Adam": (Bjorck(iterations=20), "adam"),
    "Björck 20 of order 2, Adam": (Bjorck(order=2), "adam"),
}


def gaussians(n: int, dim: int, batch_size: int) -> TrainingData:
    """Return two Gaussians one unit apart."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, n, dim))
    y[:, 0] += 1.0
    return data_of(x, y, fit_scaler(x, y, "scalar"), batch_size=batch_size)


def stepper(
    name: str, task: TrainingData, arguments: argparse.Namespace
) -> Callable[[], None]:
    """Return a function that takes one step of a training of its own."""
    constraint, optimizer = METHODS[name]
    network = initial_network(
        arguments.dim,
        width=arguments.width,
        depth=arguments.depth,
        activations=(Activation("groupsort", arguments.group_size),),
        generator=torch.Generator().manual_seed(0),
    )
    method = Method(constraint, OPTIMIZERS[optimizer]())
    start = Start(network, method, rates=(0.01,), batch_size=arguments.batch_size)
    state = initial_state({name: initial_team(start, folds=1)}, max_steps=10**6)

    def step() -> None:
        nonlocal state
        state, _ = take_steps(state, task)
        state = replace(state, step=0)

    return step


def medians(steppers: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Time the steppers in turns; return the median seconds of each."""
    times: dict[str, list[float]] = {name: [] for name in steppers}
    for turn in range(rounds + 2):
        for name, step in steppers.items():
            started = time.perf_counter()
            step()
            if turn >= 2:  # the first turns warm up
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--group-size", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    task = gaussians(10_000, arguments.dim, arguments.batch_size)
    found = medians(
        {name: stepper(name, task, arguments) for name in METHODS},
        arguments.rounds,
    )
    base = found[BASE]
    rows = [[name, f"{1e3 * s:.1f}", f"{s / base:.2f}"] for name, s in found.items()]
    print(f"{machine()}; {vars(arguments)}")
    print_table(["method", "ms per step", "ratio to the first"], rows)


if __name__ == "__main__":
    main()
