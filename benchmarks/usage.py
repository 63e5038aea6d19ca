"""Processor time and memory of other processes, as Linux tells them in /proc."""

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in family(int(child)))]


def processor_s(pids: Iterable[int]) -> float:
    """Return the processor seconds that processes have used, user and system."""
    return sum(_ticks(pid) for pid in pids) / _TICKS_PER_S


def reset_peak(pid: int) -> None:
    """Begin to watch the peak of a process's memory anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def memory_mib(pid: int) -> tuple[float, float]:
    """Return the resident memory of a process: now, and at its peak."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    now, peak = (int(fields[name].split()[0]) for name in ("VmRSS", "VmHWM"))
    return now / 1024, peak / 1024


def anonymous_mib(pid: int) -> float:
    """Return the resident memory of a process that is not of files; 0 if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    found = [line for line in lines if line.startswith("RssAnon:")]
    return int(found[0].split()[1]) / 1024 if found else 0.0


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
