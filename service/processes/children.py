"""A child process that is started again when it ends."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence

import structlog

from kantor.service.processes.tether import tethered

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
STEADY_S = 60.0
"""A child that ran this long is not counted as failing any more."""

log = structlog.get_logger(__name__)


class Child:
    """One `kantor <name>` process, perhaps with open files that it shares.

    It has a session of its own, so that Ctrl-C in a terminal reaches only its parent,
    which ends the children in order.

    Attributes:
        failures: How often it ended soon after its start.
    """

    def __init__(
        self,
        name: str,
        variables: dict[str, str],
        *,
        options: Sequence[str] = (),
        shared: Sequence[int] = (),
    ) -> None:
        """Prepare a process.

        Args:
            name: Of the command.
            variables: Of its environment, over our own.
            options: Of the command.
            shared: File descriptors that it inherits under the same numbers.
        """
        self.name = name
        self.failures = 0
        self._variables = variables
        self._options = options
        self._shared = shared
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_at = 0.0

    @property
    def pid(self) -> int | None:
        """Process id, once it has been started."""
        return self._process.pid if self._process else None

    def keep_running(self) -> None:
        """Start the process if it does not run and its delay is over."""
        if self._process is not None and self._process.poll() is not None:
            self._note_end(self._process.returncode)
        if self._process is None and time.monotonic() >= self._start_at:
            self._start()

    def terminate(self) -> None:
        """Ask the process to end."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """End the process by force; it is started again."""
        if self._process is not None:
            self._process.kill()

    def wait(self, timeout_s: float) -> None:
        """Wait until the process has ended; kill it after the timeout."""
        if self._process is None:
            return
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            log.error("child_killed", child=self.name, pid=self._process.pid)
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        # -P: nothing in the folder where we were started stands in for a package
        command = [sys.executable, "-P", "-m", "kantor.service.cli", self.name]
        command += self._options
        self._process = subprocess.Popen(
            tethered(command),
            env=os.environ | self._variables,
            pass_fds=self._shared,
            start_new_session=True,
        )
        self._started_at = time.monotonic()
        log.info("child_started", child=self.name, pid=self._process.pid)

    def _note_end(self, code: int) -> None:
        steady = time.monotonic() - self._started_at > STEADY_S
        self.failures = 1 if steady else self.failures + 1
        delay = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** (self.failures - 1))
        log.error("child_ended", child=self.name, code=code, restart_in_s=delay)
        self._process = None
        self._start_at = time.monotonic() + delay


def end_all(children: Sequence[Child], timeout_s: float) -> None:
    """End all processes, at the same time and within the timeout."""
    deadline = time.monotonic() + timeout_s
    for child in children:
        child.terminate()
    for child in children:
        child.wait(max(0.0, deadline - time.monotonic()))
