"""One method on one pair of samples, in a process of its own.

So its peak memory can be told: the growth over what the process held with its imports
and the samples. Processes are forked from a server that has loaded what the methods
import, so that imports count neither as time nor as memory.
"""

import multiprocessing
import re
import time
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.answers import Answer
from benchmarks.problems import Pair
from benchmarks.rivals import Rival

_STATUS = Path("/proc/self/status")

_PRELOADED = ["benchmarks.preloaded"]


@dataclass(frozen=True)
class Outcome:
    """What a method said and what it took."""

    answer: Answer
    processor_s: float
    peak_bytes: int | None


def memory_bytes(field: str) -> int | None:
    """Return VmRSS (held now) or VmHWM (most ever) of this process; Linux only."""
    if not _STATUS.exists():
        return None
    found = re.search(rf"{field}:\s+(\d+) kB", _STATUS.read_text())
    return 1024 * int(found[1]) if found else None


def measure(
    rival: Rival, pair: Pair, seed: int, threads: int, reply: Connection
) -> None:
    """Run one method in this process and send its outcome."""
    import torch

    torch.set_num_threads(threads)
    x, y = pair
    held = memory_bytes("VmRSS")
    start = time.process_time()
    answer = rival.method(x, y, seed)
    processor_s = time.process_time() - start
    peak = memory_bytes("VmHWM")
    growth = None if held is None or peak is None else peak - held
    reply.send(Outcome(answer, processor_s, growth))


def outcome(name: str, rival: Rival, pair: Pair, seed: int) -> Outcome:
    """Run one method in a process of its own.

    Raises:
        RuntimeError: The process ended without an outcome, for want of memory say.
    """
    import torch

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    receiver, sender = context.Pipe(duplex=False)
    arguments = (rival, pair, seed, torch.get_num_threads(), sender)
    process = context.Process(target=measure, args=arguments)
    process.start()
    sender.close()
    try:
        found: Outcome = receiver.recv()  # from our own child
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
