"""How many workers serve a machine best.

Measured on two cores with 2,000 queued jobs of 2,000 samples: one worker with two
threads 0.36 jobs a second, one with one thread 0.53, two with one thread each 1.02.
Small jobs gain nothing from threads; and large ones are few where many wait.
"""

import contextlib
import math
import os
from pathlib import Path

GIBIBYTE = 1024**3
MOST_WORKERS = 16
"""Beyond that, more threads for each serve better than more processes."""

_CGROUP = Path("/sys/fs/cgroup")


def fitting_workers(gpus: list[str]) -> int:
    """Return one worker per GPU; without, one per core that has memory for it."""
    if gpus:
        return len(gpus)
    return max(1, min(usable_cores(), usable_memory_bytes() // GIBIBYTE, MOST_WORKERS))


def usable_cores(cgroup: Path = _CGROUP) -> int:
    """Return the cores this process may use, by affinity and by its container."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:  # not on macOS
        cores = os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = (cgroup / "cpu.max").read_text().split()
        if quota != "max":
            cores = min(cores, math.ceil(int(quota) / int(period)))
    return max(1, cores)


def usable_memory_bytes(cgroup: Path = _CGROUP) -> int:
    """Return the memory of the machine, or of the container."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):
        memory = min(memory, int((cgroup / "memory.max").read_text()))
    return memory
