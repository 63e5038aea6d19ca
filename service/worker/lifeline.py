"""The thread that keeps a worker's leases alive while others train.

It sends heartbeats, publishes progress, learns of cancels, and reaps, since a worker in
a job of half an hour may be the only one left to notice that another has died. When
Redis is away it keeps trying and the training goes on; the fenced commit decides later.

It also watches the training itself, and ends the process where that hangs: a lease that
is renewed for a training that does nothing would be held for ever. Should this very
thread get no time (something holds the interpreter), a timer of the C library ends the
process, which no thread of Python can delay.
"""

import contextlib
import faulthandler
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog
from redis.exceptions import RedisError

from kantor.service.pulse import Pulse
from kantor.service.queue import Claim, Holding, LeaseQueue
from kantor.service.settings import Settings
from kantor.service.worker.watchdog import Watchdog

REPORT_INTERVAL_S = 0.2
"""Least time between two transmissions of progress."""

HUNG = 70
"""Exit status of a worker whose training hung (EX_SOFTWARE)."""

SILENT_LEASES = 8
"""Leases after which a process in which no thread gets time is ended."""

log = structlog.get_logger(__name__)


class Lifeline(threading.Thread):
    """Heartbeats and progress of the jobs that this worker holds.

    Attributes:
        watchdog: Of the trainings that run.
        device_lost: Whether the device could no longer be asked for its memory.
    """

    def __init__(
        self,
        queue: LeaseQueue,
        settings: Settings,
        *,
        page: Pulse | None = None,
        facts: Callable[[], dict[str, Any]] | None = None,
    ) -> None:
        """Prepare the thread.

        Args:
            queue: Where the leases are.
            settings: Times.
            page: Where the supervisor looks; None: nobody does.
            facts: Asked at each heartbeat for what the queue shall know of the worker.
        """
        super().__init__(name="lifeline", daemon=True)
        self._page = page or Pulse()
        self._facts = facts
        self._heard_file = settings.heard_file
        self.device_lost = False
        self._queue = queue
        self._heartbeat_s = settings.heartbeat_s
        self._silent_s = max(1.0, SILENT_LEASES * settings.lease_s)
        self._reap_at = 0.0
        self.watchdog = Watchdog(settings, self._page)
        self._max_reports = settings.max_events
        self._changed = threading.Condition()
        self._claims: dict[str, Claim] = {}
        self._holdings: dict[str, Holding] = {}
        self._reports: dict[str, deque[dict[str, Any]]] = {}
        self._publishing = threading.Lock()
        self._ended = False
        self._away = False

    def hold(self, claims: list[Claim]) -> None:
        """Begin to keep these leases alive."""
        with self._changed:
            for claim in claims:
                self._claims[claim.job.id] = claim
                self._holdings[claim.job.id] = Holding.HELD
                self._reports[claim.job.id] = deque(maxlen=self._max_reports)

    def drop(self, claim: Claim) -> None:
        """Forget a job that has been ended or given back."""
        with self._changed:
            for known in (self._claims, self._holdings, self._reports):
                known.pop(claim.job.id, None)

    def report(self, claim: Claim, report: dict[str, Any]) -> None:
        """Publish a training report soon; never waits."""
        self.watchdog.pulse(claim)
        with self._changed:
            self._reports[claim.job.id].append(report)
            self._changed.notify()

    def holding(self, claim: Claim) -> Holding:
        """Return what the queue last said about a job."""
        return self._holdings[claim.job.id]

    def end(self) -> None:
        """Stop the thread."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self.join()

    def flush(self, claim: Claim) -> None:
        """Publish what is waiting of a job's reports, in order.

        Raises:
            RedisError: The server is away; the reports go on waiting.
        """
        with self._publishing:
            with self._changed:
                waiting = self._reports.get(claim.job.id, deque())
                reports = list(waiting)
                waiting.clear()
            try:
                if reports:
                    self._queue.progress(claim, reports)
            except RedisError:
                with self._changed:
                    waiting.extendleft(reversed(reports))
                raise

    def run(self) -> None:
        """Beat every `heartbeat_s`, and whenever there is progress to publish."""
        while not self._ended:
            faulthandler.dump_traceback_later(
                self._silent_s, exit=True, file=sys.__stderr__ or sys.stderr
            )
            self._contact()
            self._watch()
            self._rest()
        faulthandler.cancel_dump_traceback_later()

    def _watch(self) -> None:
        """End the process where a training hangs.

        The leases of those that hang run out then, and the queue cancels these jobs,
        fails them or gives them to another worker. The others are given back.
        """
        overdue = self.watchdog.overdue(
            lambda claim: self._holdings.get(claim.job.id, Holding.LOST)
        )
        if not overdue:
            return
        for claim, reason in overdue:
            log.error("training_hung", job_id=claim.job.id, reason=reason)
        hung = {claim.job.id for claim, _ in overdue}
        with contextlib.suppress(RedisError):
            for other in list(self._claims.values()):
                if other.job.id not in hung:
                    self._queue.release(other, other.job.checkpoint)
        os._exit(HUNG)

    def _rest(self) -> None:
        next_beat = time.monotonic() + self._heartbeat_s
        time.sleep(min(REPORT_INTERVAL_S, self._heartbeat_s))
        with self._changed:
            while not (self._ended or any(self._reports.values())):
                remaining = next_beat - time.monotonic()
                if remaining <= 0 or not self._changed.wait(remaining):
                    return

    def _contact(self) -> None:
        try:
            self._exchange()
        except RedisError as error:
            if not self._away:
                log.warning("queue_away", error=str(error))
            self._away = True
        except Exception as error:  # noqa: BLE001  without it the leases are lost
            log.error("lifeline_error", error=repr(error))
        else:
            if self._away:
                log.info("queue_back")
            self._away = False

    def _exchange(self) -> None:
        with self._changed:
            claims = list(self._claims.values())
        due = time.monotonic() >= self._reap_at
        answers = self._queue.beat(claims, self._ask_device() if due else None)
        self._note_heard()
        with self._changed:
            for claim, answer in zip(claims, answers, strict=True):
                if claim.job.id in self._holdings:
                    self._holdings[claim.job.id] = answer
        if due:
            self._reap_at = time.monotonic() + self._heartbeat_s
            self._queue.reap()
        for claim in claims:
            self.flush(claim)

    def _ask_device(self) -> dict[str, Any] | None:
        """Return what the queue shall know; a device that cannot say it is lost."""
        if self._facts is None or self.device_lost:
            return None
        try:
            return self._facts()
        except RuntimeError as error:
            log.error("device_lost", error=str(error))
            self.device_lost = True
            return None

    def _note_heard(self) -> None:
        self._page.hear()
        if self._heard_file is not None:
            with contextlib.suppress(OSError):
                self._heard_file.touch()
