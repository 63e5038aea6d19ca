"""Where the time of a small job goes, and what many at once bring.

    python -m benchmarks.small_jobs [--jobs 16] [--n 2000] [--dim 32]

First the processor seconds of one job's stages, one thread, so that other work on the
machine disturbs them least: how much of a job could be shared with others at all, if
their critics were trained as one batch. Then jobs a second, one at a time with every
core and as one worker process for each core.
"""

import argparse
import contextlib
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.tables import machine, print_table
from kantor.estimator import EstimateConfig, estimate_w1, pipeline
from kantor.service.capacity import usable_cores

Samples = NDArray[np.float32]

STAGES = {
    "training": "train_critics",
    "p-value": "p_value_of",
    "coupling (upper bound)": "sample_bracket",
    "detectable distance": "detectable_distance",
}
"""What is shown, and the function that does it."""


@dataclass(frozen=True)
class Kind:
    """One kind of pair."""

    name: str
    change: Callable[[Samples], Samples]


KINDS = (
    Kind(
        "shifted by 1/2", lambda y: y + np.float32(0.5) * (np.arange(y.shape[1]) == 0)
    ),
    Kind("scaled by 1.2", lambda y: y * np.float32(1.2)),
    Kind("the same", lambda y: y),
)


def pair(kind: Kind, seed: int, n: int, dim: int) -> tuple[Samples, Samples]:
    """Return two samples (n, d)."""
    draw = np.random.default_rng(seed)
    x, y = draw.normal(size=(2, n, dim)).astype(np.float32)
    return x, kind.change(y).astype(np.float32)


def one_job(seed: int, n: int, dim: int) -> None:
    """Do what a worker does for a job."""
    kind = KINDS[seed % len(KINDS)]
    estimate_w1(*pair(kind, seed, n, dim), EstimateConfig(effort="quick", seed=seed))


def stage_times(run: Callable[[], None]) -> dict[str, float]:
    """Return the processor seconds of each stage, and of all."""
    spent = dict.fromkeys(STAGES, 0.0)

    def timed(stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def stopwatch(*arguments: Any, **options: Any) -> Any:
            started = time.process_time()
            try:
                return call(*arguments, **options)
            finally:
                spent[stage] += time.process_time() - started

        return stopwatch

    with contextlib.ExitStack() as stack:
        for stage, name in STAGES.items():
            watched = timed(stage, getattr(pipeline, name))
            stack.enter_context(mock.patch.object(pipeline, name, watched))
        started = time.process_time()
        run()
        return spent | {"all": time.process_time() - started}


def shares(n: int, dim: int) -> list[list[str]]:
    """Return a row for each kind of pair: seconds by stage, and the most K may save."""
    rows: list[list[str]] = []
    for seed, kind in enumerate(KINDS):
        spent = stage_times(partial(one_job, seed, n, dim))
        limit = 1.0 / (1.0 - spent["training"] / spent["all"])
        rows.append([kind.name, *(f"{spent[s]:.2f}" for s in spent), f"{limit:.2f}"])
    return rows


def _start(threads: int) -> None:
    torch.set_num_threads(threads)
    one_job(0, 100, 2)  # warm, as a worker is


def throughput(jobs: int, n: int, dim: int, *, processes: int, threads: int) -> float:
    """Return jobs a second of so many processes with so many threads each."""
    spawn = multiprocessing.get_context("spawn")
    work = partial(one_job, n=n, dim=dim)
    with spawn.Pool(processes, _start, (threads,)) as pool:
        pool.map(work, range(processes), chunksize=1)
        started = time.perf_counter()
        pool.map(work, range(jobs), chunksize=1)
        return jobs / (time.perf_counter() - started)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=16, help="0: no rates")
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--dim", type=int, default=32)
    given = parser.parse_args()
    print(machine())
    torch.set_num_threads(1)
    one_job(0, 100, 2)
    header = ["pair", *STAGES, "all", "most that a batch may bring"]
    print_table(header, shares(given.n, given.dim))
    if given.jobs == 0:
        return
    cores = usable_cores()
    rows = [
        [f"{processes} x {threads}", f"{rate:.3f}"]
        for processes, threads in ((1, cores), (cores, 1))
        for rate in [
            throughput(
                given.jobs, given.n, given.dim, processes=processes, threads=threads
            )
        ]
    ]
    print_table(["processes x threads", "jobs a second"], rows)


if __name__ == "__main__":
    main()
