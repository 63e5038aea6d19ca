"""How many bytes an owner holds, in a small file that all API processes share.

It is counted anew now and then, and added to in between. Who wants to store something
takes the room first, in one step with the check: so no number of processes lets an
owner have more than its limit.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_LONGEST = 64


@dataclass(frozen=True)
class _Noted:
    held: int
    counted_at: float


class Tally:
    """What one owner holds, as far as is known."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def held(self, count: Callable[[], int], *, believed_s: float) -> int:
        """Return what is held; count it where the last count is older than this."""
        noted = self._noted()
        if noted and 0 <= time.time() - noted.counted_at <= believed_s:
            return noted.held
        counted = _Noted(count(), time.time())
        with self._locked() as file:
            _write(file, counted)
        return counted.held

    def take(self, nbytes: int, *, most: int) -> bool:
        """Add to what is held unless it would be more than `most`; tell whether."""
        with self._locked() as file:
            noted = _read(file)
            if noted is None or noted.held + nbytes > most:
                return False
            _write(file, _Noted(noted.held + nbytes, noted.counted_at))
            return True

    def give_back(self, nbytes: int) -> None:
        """Note that so much was taken, and is not needed."""
        if self._noted() is None:
            return
        with self._locked() as file:
            noted = _read(file)
            if noted is not None:
                _write(file, _Noted(max(0, noted.held - nbytes), noted.counted_at))

    def _noted(self) -> _Noted | None:
        try:
            return _parsed(self._path.read_bytes())
        except FileNotFoundError:
            return None

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Open the file for one process at a time, which has it for an instant."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)


def _read(file: int) -> _Noted | None:
    return _parsed(os.pread(file, _LONGEST, 0))


def _write(file: int, noted: _Noted) -> None:
    """Write a line of one length, so that none is ever seen cut short."""
    line = f"{noted.held:020d} {noted.counted_at:020.6f}\n"
    os.pwrite(file, line.encode("ascii"), 0)


def _parsed(line: bytes) -> _Noted | None:
    """Read what was noted; None where it makes no sense."""
    try:
        held, counted_at = line.split()
        return _Noted(int(held), float(counted_at))
    except ValueError:
        return None
