"""Whether the training that runs shows signs of life, and stops when it is told to."""

import time

from kantor.service.pulse import Pulse, State
from kantor.service.queue import Claim, Holding
from kantor.service.settings import Settings


class Watchdog:
    """Watches one training at a time; told by its thread, asked by another.

    A training that asks whether to stop, or reports, is alive. One that hangs in a
    library never does.

    Attributes:
        claim: The job that is being trained; None between two.
    """

    def __init__(self, settings: Settings, page: Pulse | None = None) -> None:
        self.claim: Claim | None = None
        self._page = page or Pulse()
        self._stall_s = settings.stall_s
        self._stop_s = settings.stop_s
        self._pulse_at = 0.0
        self._stop_at: float | None = None

    def begin(self, claim: Claim) -> None:
        """Watch a training from now on."""
        self._pulse_at = time.monotonic()
        self._stop_at = None
        self._page.enter(State.TRAINING)
        self.claim = claim

    def pulse(self) -> None:
        """Note a sign of life."""
        self._pulse_at = time.monotonic()
        self._page.beat()

    def end(self) -> None:
        """Watch nothing: the training has ended."""
        self._page.enter(State.IDLE)
        self.claim = None

    def overdue(self, holding: Holding) -> str | None:
        """Say why the training has to be ended by force; None where it has not.

        Args:
            holding: What the queue last said about the job.
        """
        now = time.monotonic()
        if holding is Holding.HELD:
            self._stop_at = None
        elif self._stop_at is None:
            self._stop_at = now + self._stop_s
        elif now > self._stop_at:
            return f"it did not stop within {self._stop_s:g} s ({holding})"
        if now - self._pulse_at > self._stall_s:
            return f"it showed no sign of life for {self._stall_s:g} s"
        return None
