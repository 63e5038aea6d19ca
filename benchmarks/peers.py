"""What people use today, on the same data: `python -m benchmarks.peers`.

Each method of `benchmarks.rivals` runs in a process of its own, so that its peak memory
can be told: the growth over what the process held with its imports and the samples.
Optional packages that are absent are skipped with the reason.
"""

import argparse
import multiprocessing
import re
import time
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from benchmarks.pictures import new_axes, save
from benchmarks.problems import Pair, Problem, select
from benchmarks.rivals import RIVALS, Rival
from benchmarks.tables import machine, print_table, tell

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Outcome:
    """What a method said and what it took."""

    name: str
    value: float
    wall_s: float
    processor_s: float
    peak_bytes: int | None

    def row(self, w1: float) -> list[str]:
        """Return the cells of the table."""
        peak = "?" if self.peak_bytes is None else f"{self.peak_bytes / 2**20:,.0f}"
        return [
            self.name,
            f"{self.value:.4f}",
            f"{w1:.4f}",
            f"{self.value / w1:.3f}",
            f"{self.wall_s:.1f}",
            f"{self.processor_s:.1f}",
            peak,
        ]


HEADER = ["method", "value", "W1", "ratio", "s", "processor s", "peak MiB"]


def memory_bytes(field: str) -> int | None:
    """Return VmRSS (held now) or VmHWM (most ever) of this process; Linux only."""
    if not _STATUS.exists():
        return None
    found = re.search(rf"{field}:\s+(\d+) kB", _STATUS.read_text())
    return 1024 * int(found[1]) if found else None


def measure(name: str, pair: Pair, seed: int, threads: int, reply: Connection) -> None:
    """Run one method in this process and send its outcome."""
    import torch

    torch.set_num_threads(threads)
    x, y = pair
    held = memory_bytes("VmRSS")
    wall, processor = time.perf_counter(), time.process_time()
    value = RIVALS[name].method(x, y, seed)
    wall_s, processor_s = time.perf_counter() - wall, time.process_time() - processor
    peak = memory_bytes("VmHWM")
    growth = None if held is None or peak is None else peak - held
    reply.send(Outcome(name, value, wall_s, processor_s, growth))


def outcome(name: str, pair: Pair, seed: int) -> Outcome:
    """Run one method in a process of its own.

    Raises:
        RuntimeError: The process ended without an outcome, for want of memory say.
    """
    import torch

    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    arguments = (name, pair, seed, torch.get_num_threads(), sender)
    process = context.Process(target=measure, args=arguments)
    process.start()
    sender.close()
    try:
        found: Outcome = receiver.recv()  # from our own child
        tell(name, f"{found.value:.4f} in {found.wall_s:.1f} s")
        return found
    except EOFError:
        process.join()
        raise RuntimeError(
            f"expected an outcome of {name}, got exit status {process.exitcode}"
        ) from None
    finally:
        process.join()


def missing(rival: Rival) -> str | None:
    """Return the package that a method needs and that is not installed."""
    if rival.package is None:
        return None
    parent = rival.package.partition(".")[0]
    absent = find_spec(parent) is None or find_spec(rival.package) is None
    return rival.package if absent else None


def draw(problem: Problem, outcomes: list[Outcome]) -> None:
    """Draw values as shares of the truth over processor seconds."""
    axes = new_axes()
    for found in outcomes:
        axes.plot(found.processor_s, found.value / problem.w1, "o", label=found.name)
    axes.axhline(1.0, color="black", lw=0.8)
    axes.set_xscale("log")
    axes.set_xlabel("processor seconds")
    axes.set_ylabel("share of the true W1")
    axes.set_title(problem.name)
    axes.legend()
    save(axes, "peers")


def main() -> None:
    """Print the table, what was skipped, and draw the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"Methods: {', '.join(RIVALS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--problem", default="funnels-64d-16")
    parser.add_argument("--n", type=int, default=2000, help="samples a side")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--methods", default=".*", help="regular expression of names")
    arguments = parser.parse_args()
    problem = next(select(arguments.problem))
    pair = problem.sample(arguments.n, np.random.default_rng(arguments.seed))
    chosen = [name for name in RIVALS if re.search(arguments.methods, name)]
    present = [name for name in chosen if missing(RIVALS[name]) is None]
    outcomes = [outcome(name, pair, arguments.seed) for name in present]
    print(f"{machine()}; {vars(arguments)}\n")
    print_table(HEADER, [found.row(problem.w1) for found in outcomes])
    for name in chosen:
        if package := missing(RIVALS[name]):
            print(f"\nskipped: {name}, as {package} is not installed")
    draw(problem, outcomes)


if __name__ == "__main__":
    main()
