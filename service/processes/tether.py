"""Run a command that ends when its parent does.

    python -I -S tether.py PARENT_PID COMMAND [ARGUMENT ...]

On Linux the kernel sends SIGTERM to this process, and so to the command that takes its
place, when the thread that started it is gone: no server is left behind by a parent
that was killed. Elsewhere the command simply runs. The file stands alone (standard
library, no package import), so that it costs only a few milliseconds.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1


def tethered(command: list[str]) -> list[str]:
    """Return the command line that runs `command` tethered to this process."""
    launcher = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
    return [*launcher, str(os.getpid()), *command]


def _main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the tether was fastened
            sys.exit(0)
    os.execv(command[0], command)


if __name__ == "__main__":
    _main()
