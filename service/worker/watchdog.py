"""Whether the trainings that run show signs of life, and stop when they are told to."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from kantor.service.pulse import Pulse, State
from kantor.service.queue import Claim, Holding
from kantor.service.settings import Settings


@dataclass
class _Watched:
    """One training: its last sign of life, and when it has to have stopped."""

    claim: Claim
    pulse_at: float
    stop_at: float | None = None


class Watchdog:
    """Watches trainings; told by their threads, asked by another.

    A training that asks whether to stop, or reports, is alive. One that hangs in a
    library never does.
    """

    def __init__(self, settings: Settings, page: Pulse | None = None) -> None:
        self._watched: dict[str, _Watched] = {}
        self._changing = threading.Lock()
        self._page = page or Pulse()
        self._stall_s = settings.stall_s
        self._stop_s = settings.stop_s

    def begin(self, claim: Claim) -> None:
        """Watch a training from now on."""
        with self._changing:
            self._watched[claim.job.id] = _Watched(claim, time.monotonic())
            self._page.enter(State.TRAINING)

    def pulse(self, claim: Claim) -> None:
        """Note a sign of life."""
        watched = self._watched.get(claim.job.id)
        if watched is not None:
            watched.pulse_at = time.monotonic()
            self._page.beat()

    def end(self, claim: Claim) -> None:
        """Watch a training no more: it has ended."""
        with self._changing:
            self._watched.pop(claim.job.id, None)
            if not self._watched:
                self._page.enter(State.IDLE)

    def overdue(self, holding: Callable[[Claim], Holding]) -> list[tuple[Claim, str]]:
        """Return the trainings that have to be ended by force, and why.

        Args:
            holding: Returns what the queue last said about a job.
        """
        now = time.monotonic()
        reasons = [
            (watched.claim, self._reason(watched, holding(watched.claim), now))
            for watched in self._all()
        ]
        return [(claim, reason) for claim, reason in reasons if reason is not None]

    def _all(self) -> list[_Watched]:
        with self._changing:
            return list(self._watched.values())

    def _reason(self, watched: _Watched, holding: Holding, now: float) -> str | None:
        if holding is Holding.HELD:
            watched.stop_at = None
        elif watched.stop_at is None:
            watched.stop_at = now + self._stop_s
        elif now > watched.stop_at:
            return f"it did not stop within {self._stop_s:g} s ({holding})"
        if now - watched.pulse_at > self._stall_s:
            return f"it showed no sign of life for {self._stall_s:g} s"
        return None
