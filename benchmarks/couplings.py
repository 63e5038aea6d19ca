"""Upper bounds on W1 between given samples: `python -m benchmarks.couplings`.

How far the cost of a coupling that scales is above exact transport where that can be
computed, and what the coupling takes in time and memory where it cannot. The samples
are float32 files, memory-mapped as a service would; each cell runs in a process of its
own, so that one cell's memory is not another's.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Thread

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from benchmarks.tables import machine, print_table, tell
from kantor.estimator.primal.bound import coupled
from kantor.estimator.primal.clouds import CHUNK_ROWS, Cloud, cloud
from kantor.estimator.primal.exact import cost_matrix
from kantor.estimator.primal.plan import cost
from kantor.estimator.samples.scaling import FIT_ROWS, fit_scaler

Rows = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, int], Rows]
"""Draws rows (count, dim) of one side."""


def gaussian(rng: np.random.Generator, count: int, dim: int) -> Rows:
    """Draw N(0, I)."""
    return rng.normal(size=(count, dim))


def shifted(rng: np.random.Generator, count: int, dim: int) -> Rows:
    """Draw N(e_1, I)."""
    return np.asarray(gaussian(rng, count, dim) + np.eye(dim)[0])


def wide(rng: np.random.Generator, count: int, dim: int) -> Rows:
    """Draw N(0, 4 I)."""
    return 2.0 * gaussian(rng, count, dim)


def clusters(rng: np.random.Generator, count: int, dim: int) -> Rows:
    """Draw two narrow Gaussians around -3 e_1 and 3 e_1."""
    sides = rng.choice([-3.0, 3.0], size=(count, 1))
    return np.asarray(0.5 * gaussian(rng, count, dim) + sides * np.eye(dim)[0])


PAIRS: dict[str, tuple[Draw, Draw]] = {
    "same": (gaussian, gaussian),
    "shift": (gaussian, shifted),
    "scale": (wide, gaussian),
    "clusters": (clusters, gaussian),
}


@dataclass(frozen=True)
class Cell:
    """One problem: the pair of distributions, samples a side, features."""

    pair: str
    n: int
    dim: int
    is_exact_wanted: bool


@dataclass(frozen=True)
class Outcome:
    """What was found in one cell, in the units of the data; times of the processor."""

    value: float
    seconds: float
    exact: float | None
    exact_seconds: float | None
    peak_bytes: int | None


def outcome(cell: Cell, folder: Path) -> Outcome:
    """Draw the samples of a cell to files, couple them, compare."""
    draws = zip(PAIRS[cell.pair], ("x", "y"), strict=True)
    x, y = (
        written(draw, cell, folder / f"{name}.npy", seed)
        for seed, (draw, name) in enumerate(draws)
    )
    scaler = fit_scaler(x[:FIT_ROWS], y[:FIT_ROWS], "scalar")
    source, target = cloud(x, scaler), cloud(y, scaler)
    with PeakMemory() as memory:
        started = time.process_time()
        value = cost(coupled(source, target), source, target)
        seconds = time.process_time() - started
    exact, exact_seconds = None, None
    if cell.is_exact_wanted:
        started = time.process_time()
        exact = scaler.unit * exact_cost(source, target)
        exact_seconds = time.process_time() - started
    return Outcome(scaler.unit * value, seconds, exact, exact_seconds, memory.growth)


def written(draw: Draw, cell: Cell, path: Path, seed: int) -> NDArray[np.float32]:
    """Draw the rows of one side to a file; return it memory-mapped."""
    rng = np.random.default_rng(seed)
    array = open_memmap(path, "w+", np.float32, (cell.n, cell.dim))
    for start in range(0, cell.n, CHUNK_ROWS):
        part = array[start : start + CHUNK_ROWS]
        part[:] = draw(rng, len(part), cell.dim)
    array.flush()
    rows: NDArray[np.float32] = np.load(path, mmap_mode="r")
    return rows


def exact_cost(source: Cloud, target: Cloud) -> float:
    """Return W1 of two uniform clouds by network simplex, however long that takes."""
    import ot

    costs = cost_matrix(source, target)
    value, log = ot.emd2(
        source.weights, target.weights, costs, numItermax=10**9, log=True
    )
    if log["warning"] is not None:
        raise RuntimeError(f"expected exact transport, got: {log['warning']}")
    return float(value)


class PeakMemory:
    """Watch the growth of the process's own memory, without the mapped files.

    Attributes:
        growth: Most bytes above those at the start; None where the system (any but
            Linux) does not tell.
    """

    def __enter__(self) -> "PeakMemory":
        self._before = anonymous_bytes()
        self.growth = None if self._before is None else 0
        self._done = Event()
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            now = anonymous_bytes()
            if now is not None and self._before is not None:
                self.growth = max(self.growth or 0, now - self._before)


def anonymous_bytes() -> int | None:
    """Return the memory of this process that no file backs, from Linux's /proc."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    for line in status.read_text().splitlines():
        if line.startswith("RssAnon:"):
            return 1024 * int(line.split()[1])
    return None


def in_own_process(cell: Cell) -> Outcome:
    """Run a cell in a fresh process, its files in a folder that goes with it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
    ):
        return pool.submit(outcome, cell, Path(folder)).result()


def row(cell: Cell, found: Outcome) -> list[str]:
    """Return the cells of the table; a dash where nothing was measured."""
    exact, exact_seconds, ratio, peak = "-", "-", "-", "-"
    if found.exact is not None and found.exact_seconds is not None:
        exact, exact_seconds = f"{found.exact:.4f}", f"{found.exact_seconds:.1f}"
        ratio = f"{found.value / found.exact:.4f}"
    if found.peak_bytes is not None:
        peak = f"{found.peak_bytes / 2**20:,.0f}"
    return [
        cell.pair, f"{cell.n:,}", str(cell.dim), exact, f"{found.value:.4f}", ratio,
        exact_seconds, f"{found.seconds:.1f}", peak,
    ]  # fmt: skip


HEADER = [
    "pair", "n = m", "d", "exact", "coupling", "ratio", "exact s", "coupling s",
    "peak MiB",
]  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", nargs="+", choices=PAIRS, default=list(PAIRS))
    parser.add_argument("--n", nargs="+", type=int, default=[4000])
    parser.add_argument("--dim", nargs="+", type=int, default=[2, 16, 64, 128])
    parser.add_argument(
        "--max-exact", type=int, default=5000, help="most samples of exact transport"
    )
    arguments = parser.parse_args()
    rows = []
    for n in arguments.n:
        for dim in arguments.dim:
            for pair in arguments.pairs:
                cell = Cell(pair, n, dim, is_exact_wanted=n <= arguments.max_exact)
                rows.append(row(cell, in_own_process(cell)))
                tell(*rows[-1])
    print(f"{machine()}\n")
    print_table(HEADER, rows)


if __name__ == "__main__":
    main()
