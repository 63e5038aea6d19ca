"""Where the time of a small job goes, and what many at once bring.

    python -m benchmarks.small_jobs [--jobs 16] [--n 2000] [--dim 32]

First the processor seconds of one job's stages, one thread, so that other work on the
machine disturbs them least: how much of a job jobs side by side can share at all. Then
jobs a second, of one process with every core and of one for each core, which take one
job at a time, or several as a pack.
"""

import argparse
import contextlib
import multiprocessing
import multiprocessing.pool
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.tables import machine, print_table
from kantor.estimator import EstimateConfig, estimate_w1, pipeline, side_by_side
from kantor.service.capacity import usable_cores

Samples = NDArray[np.float32]

STAGES = {
    "training": "train_critics",
    "p-value": "p_value_of",
    "coupling (upper bound)": "sample_bracket",
    "detectable distance": "detectable_distance",
}
"""What is shown, and the function that does it."""


TOGETHER = (1, 4, 16)
"""Jobs that a process takes at once."""


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


@contextlib.contextmanager
def workers(count: int, threads: int) -> Iterator[multiprocessing.pool.Pool]:
    """Yield warm processes of so many threads each, those of NumPy's BLAS as well.

    These are read from the environment when a process begins, as the service's workers
    do it; torch alone could be told later.
    """
    spawn = multiprocessing.get_context("spawn")
    with (
        limited_threads(threads),
        spawn.Pool(count, _start, (threads,)) as pool,
    ):
        yield pool


@contextlib.contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Let processes that begin inside have so many threads."""
    with mock.patch.dict(os.environ, {"OMP_NUM_THREADS": str(threads)}):
        yield


def several_jobs(seeds: Sequence[int], n: int, dim: int) -> float:
    """Do what a worker does with the jobs of one claim; return processor seconds."""
    started = time.process_time()
    tasks = [partial(one_job, seed, n, dim) for seed in seeds]
    for ended in side_by_side(tasks):
        ended.result()
    return time.process_time() - started


@dataclass(frozen=True)
class Hosting:
    """How jobs are spread over a machine.

    Attributes:
        processes: Workers.
        threads: Of each.
        together: Jobs that a worker takes at once.
    """

    processes: int
    threads: int
    together: int

    def rates(self, jobs: int, n: int, dim: int) -> tuple[float, float]:
        """Return jobs a second, and processor seconds a job."""
        work = partial(several_jobs, n=n, dim=dim)
        starts = range(0, jobs, self.together)
        claims = [range(jobs)[i : i + self.together] for i in starts]
        with workers(self.processes, self.threads) as pool:
            pool.map(work, [range(1)] * self.processes, chunksize=1)
            started = time.perf_counter()
            spent = pool.map(work, claims, chunksize=1)
            return jobs / (time.perf_counter() - started), sum(spent) / jobs


def hostings(cores: int) -> list[Hosting]:
    """Return one process with every core, and one for each, with every claim."""
    return [
        Hosting(processes, threads, together)
        for processes, threads in ((1, cores), (cores, 1))
        for together in TOGETHER
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small_jobs")
    parser.add_argument("--jobs", type=int, default=16, help="0: the stages alone")
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--dim", type=int, default=32)
    given = parser.parse_args()
    print(f"{given.n} x {given.dim} at quick; {machine()}\n")
    stages = [*STAGES, "all", "most that a pack may bring"]
    with workers(1, 1) as pool:
        print_table(["pair", *stages], pool.apply(shares, (given.n, given.dim)))
    print()
    if given.jobs == 0:
        return
    rows = []
    for hosting in hostings(usable_cores()):
        rate, seconds = hosting.rates(given.jobs, given.n, given.dim)
        where = f"{hosting.processes} x {hosting.threads}"
        rows.append([where, str(hosting.together), f"{rate:.3f}", f"{seconds:.2f}"])
    names = ["processes x threads", "at once", "jobs a second", "processor s a job"]
    print_table(names, rows)


if __name__ == "__main__":
    main()
