"""A page of memory in which a worker tells its supervisor that it lives.

It is written without a lock, a call or a wait, so that it costs the training nothing,
and read even where the worker's whole process stands still: a thread of the worker can
watch its training, but nothing in a process can watch the process.
"""

import mmap
import os
import struct
import tempfile
import time
from enum import IntEnum

_TRAINING = struct.Struct("=qq")
"""State and signs of life, which the thread that trains writes."""

_HEARD = struct.Struct("=d")
"""When the queue last heard the worker (monotonic), which its lifeline writes."""

SIZE = _TRAINING.size + _HEARD.size


class State(IntEnum):
    """What a worker is doing."""

    STARTING = 0
    IDLE = 1
    TRAINING = 2


class Pulse:
    """One worker's page; the supervisor makes it, and the worker inherits its file.

    Attributes:
        fd: File descriptor to pass on.
    """

    def __init__(self, fd: int | None = None) -> None:
        """Make a page, or open the one behind a file descriptor."""
        if fd is None:
            fd = _anonymous_file()
            os.ftruncate(fd, SIZE)
        self.fd = fd
        self._memory = mmap.mmap(fd, SIZE)

    def reset(self) -> None:
        """Begin anew, for another process."""
        self._memory[:] = bytes(SIZE)

    def enter(self, state: State) -> None:
        """Note what the worker does from now on; a sign of life as well."""
        _TRAINING.pack_into(self._memory, 0, state, self.beats + 1)

    def beat(self) -> None:
        """Note a sign of life."""
        self.enter(self.state)

    def hear(self) -> None:
        """Note that the queue has just heard the worker."""
        _HEARD.pack_into(self._memory, _TRAINING.size, time.monotonic())

    @property
    def state(self) -> State:
        """What the worker does."""
        return State(_TRAINING.unpack_from(self._memory)[0])

    @property
    def beats(self) -> int:
        """Signs of life so far."""
        return int(_TRAINING.unpack_from(self._memory)[1])

    @property
    def silent_s(self) -> float:
        """Seconds since the queue heard the worker; since the boot, if never."""
        [heard_at] = _HEARD.unpack_from(self._memory, _TRAINING.size)
        return time.monotonic() - float(heard_at)


def _anonymous_file() -> int:
    """Return a file without a name, in memory where the system has such."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("kantor-pulse")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
