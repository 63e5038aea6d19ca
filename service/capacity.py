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
        quota, period = _cpu_limit(cgroup)
        if quota > 0:
            cores = min(cores, math.ceil(quota / period))
    return max(1, cores)


def usable_memory_bytes(cgroup: Path = _CGROUP) -> int:
    """Return the memory of the machine, or of the container."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # version 2, 1
        with contextlib.suppress(OSError, ValueError):
            memory = min(memory, int((cgroup / name).read_text()))
    return memory


def _cpu_limit(cgroup: Path) -> tuple[int, int]:
    """Return quota and period of a control group of version 2 or 1.

    The quota is -1 where there is no limit.

    Raises:
        OSError, ValueError: There is neither, or it says something else.
    """
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except FileNotFoundError:
        older = cgroup / "cpu"
        quota = (older / "cpu.cfs_quota_us").read_text()
        period = (older / "cpu.cfs_period_us").read_text()
    return -1 if quota == "max" else int(quota), int(period)
