"""The main loop of a worker process, and how it ends.

SIGTERM or SIGINT: the training stops after its step, the job goes back to the queue
with a checkpoint and without using an attempt, and the process leaves. Should that take
longer than `drain_s`, it leaves anyway and the lease gives the job to another.
"""

import contextlib
import itertools
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,
    OutOfMemoryError,
    RedisError,
    TimeoutError,
)

from kantor.estimator import side_by_side
from kantor.estimator.workload import SMALL_BYTES
from kantor.service.logs import configure_logs
from kantor.service.pulse import Pulse, State
from kantor.service.queue import Claim, LeaseQueue
from kantor.service.queue.broker import check_server, connect
from kantor.service.settings import Settings
from kantor.service.store import BlobStore, DatasetStore, open_bucket
from kantor.service.tracing import open_tracer
from kantor.service.trails import Step, Trail
from kantor.service.worker.device import LOST_GPU, Device, GpuMissing
from kantor.service.worker.execution import DeviceLost, Estimation, Execution
from kantor.service.worker.lifeline import Lifeline
from kantor.service.worker.outcomes import (
    Cancelled,
    Failed,
    Interrupted,
    Lost,
    Outcome,
    Succeeded,
)
from kantor.service.worker.sweeper import Sweeper

if TYPE_CHECKING:
    from kantor.service.otel import Tracer

PACK_ON_GPU, PACK_ON_CPU = 8, 1
"""Most small jobs taken at once: side by side they gain nothing on a CPU."""

RETRY_S = 0.5
HOPELESS_TRIES = 20

log = structlog.get_logger(__name__)


def run_worker(
    settings: Settings,
    *,
    estimate: Estimation | None = None,
    pulse_fd: int | None = None,
) -> None:
    """Work on jobs until SIGTERM or SIGINT.

    Args:
        settings: `redis_url` must be set.
        estimate: What carries out a job, on devices of its own; None:
            `estimator.estimate_w1`, on the device of the settings.
        pulse_fd: File descriptor of the page in which a supervisor looks.

    Raises:
        BrokerUnsuitable: The server is too old, or not one by itself.
        GpuMissing: The settings ask for a GPU, and there is none.
        ValueError: No server is set.
    """
    if settings.redis_url is None:
        raise ValueError("expected KANTOR_REDIS_URL to be set for a worker")
    configure_logs(settings, "worker")
    stopping = _stop_on_signals(settings.drain_s)
    with connect(settings.redis_url.get_secret_value()) as client:
        queue = LeaseQueue(client, settings, worker_name())
        _await_server(lambda: check_server(client).warnings, stopping)
        device = open_device(queue, settings) if estimate is None else None
        Sweeper(client, settings, stopping).start()
        page = Pulse(pulse_fd)
        tracer = open_tracer(settings, "worker")
        worker = Worker(
            queue,
            settings,
            estimate or load_estimate(),
            stopping,
            page,
            device,
            tracer,
        )
        worker.run()
    if tracer is not None:
        tracer.close()
    log.info("worker_ended")


def open_device(queue: LeaseQueue, settings: Settings) -> Device:
    """Return what this worker trains on; where that is not there, the queue is told.

    Raises:
        GpuMissing: The settings ask for a GPU, and there is none.
    """
    try:
        return Device(settings)
    except GpuMissing:
        log.error("gpu_lost")
        with contextlib.suppress(RedisError):
            queue.beat([], LOST_GPU)
        raise


class Worker:
    """Claims jobs and carries them out until told to stop.

    One at a time, or small ones of one bucket as a pack: side by side, each in a thread
    of its own, while their critics train in this one.
    """

    def __init__(
        self,
        queue: LeaseQueue,
        settings: Settings,
        estimate: Estimation,
        stopping: threading.Event,
        page: Pulse,
        device: Device | None,
        tracer: "Tracer | None" = None,
    ) -> None:
        self._tracer = tracer
        self._queue = queue
        self._settings = settings
        self._stopping = stopping
        self._page = page
        self._facts = device.facts if device else None
        self._max_claim = most_at_once(settings, is_gpu=bool(device and device.is_gpu))
        self._lifeline = Lifeline(queue, settings, page=page, facts=self._facts)
        bucket = open_bucket(settings)
        self._execution = Execution(
            estimate,
            self._lifeline,
            datasets=DatasetStore(settings.data_dir, bucket),
            blobs=BlobStore(settings.data_dir, bucket),
            stopping=stopping,
            storing_s=settings.storing_s,
        )

    def run(self) -> None:
        """Work until told to stop; an absent server is waited for.

        Raises:
            DeviceLost: The device is gone, or its context in this process is broken.
        """
        self._lifeline.start()
        log.info("worker_ready", **(self._facts() if self._facts else {}))
        self._page.enter(State.IDLE)
        while not self._stopping.is_set():
            if self._lifeline.device_lost:
                raise DeviceLost
            asked_ns = time.time_ns()
            try:
                claims = self._queue.claim(self._max_claim)
                claimed = Step("claim", asked_ns, time.time_ns())
                if not claims:
                    self._queue.wait_for_bell()
            except RedisError:
                self._stopping.wait(RETRY_S)
            else:
                self._work_on(claims, claimed)
        self._lifeline.end()

    def _work_on(self, claims: list[Claim], claimed: Step) -> None:
        self._lifeline.hold(claims)
        tasks = [partial(self._work, claim, Trail([claimed])) for claim in claims]
        if len(tasks) > 1:
            log.info("pack_begun", jobs=len(tasks))
        for ended in side_by_side(tasks):
            ended.result()

    def _work(self, claim: Claim, trail: Trail) -> None:
        with structlog.contextvars.bound_contextvars(job_id=claim.job.id):
            self._carry_out(claim, trail)

    def _carry_out(self, claim: Claim, trail: Trail) -> None:
        started = time.monotonic()
        log.info("job_started", attempt=claim.job.attempt)
        if self._stopping.is_set():  # claimed with one that was interrupted
            outcome: Outcome = Interrupted(claim.job.checkpoint)
        else:
            outcome = self._execution.run(claim, trail)
        with trail.step("commit"):
            believed = self._commit(claim, outcome)
        self._lifeline.drop(claim)
        self._trace(claim, trail, outcome)
        log.info(
            "job_left",
            outcome=type(outcome).__name__.lower(),
            believed=believed,
            took_s=round(time.monotonic() - started, 3),
        )

    def _trace(self, claim: Claim, trail: Trail, outcome: Outcome) -> None:
        if self._tracer is None:
            return
        about: dict[str, str | int] = {
            "kantor.job_id": claim.job.id,
            "kantor.attempt": claim.job.attempt,
            "kantor.outcome": type(outcome).__name__.lower(),
        }
        error = outcome.error.code if isinstance(outcome, Failed) else None
        self._tracer.tell_job(trail, claim.job.traceparent, about, error=error)

    def _commit(self, claim: Claim, outcome: Outcome) -> bool:
        """Tell the queue, as often as it takes; it believes the holder once."""
        for attempt in itertools.count(1):
            try:
                self._lifeline.flush(claim)
                return self._tell(claim, outcome)
            except RedisError as error:
                log.warning("commit_delayed", error=str(error))
                if _is_hopeless(error) and attempt >= HOPELESS_TRIES:
                    break
                time.sleep(RETRY_S)
        log.error("commit_given_up")  # the lease ends it
        return False

    def _tell(self, claim: Claim, outcome: Outcome) -> bool:
        match outcome:
            case Succeeded(result, critic):
                return self._queue.succeed(claim, result=result, critic=critic)
            case Failed(error):
                return self._queue.fail(claim, error)
            case Cancelled():
                return self._queue.cancelled(claim)
            case Interrupted(checkpoint):
                return self._queue.release(claim, checkpoint)
            case Lost():
                return False


def most_at_once(settings: Settings, *, is_gpu: bool) -> int:
    """Return how many small jobs a worker takes at once.

    Together they ask for no more memory than one job may.
    """
    wanted = settings.max_claim or (PACK_ON_GPU if is_gpu else PACK_ON_CPU)
    return min(wanted, settings.max_job_memory_bytes // SMALL_BYTES)


def load_estimate() -> Estimation:
    """Load the estimator before the first job needs it."""
    from kantor.estimator import estimate_w1

    estimate: Estimation = estimate_w1
    return estimate


def _is_hopeless(error: RedisError) -> bool:
    """Tell whether a command failed for what it is, and not for the server's state."""
    states = ("OOM", "READONLY", "MISCONF", "NOREPLICAS", "LOADING", "BUSY", "TRYAGAIN")
    transient = (ConnectionError, TimeoutError, BusyLoadingError, OutOfMemoryError)
    return not isinstance(error, transient) and not str(error).startswith(states)


def worker_name() -> str:
    """Return a name that no other worker has or had."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def _await_server(check: Callable[[], list[str]], stopping: threading.Event) -> None:
    """Wait until the server answers, then log what is wrong with it."""
    told = ""
    while not stopping.is_set():
        try:
            for warning in check():
                log.warning("server_configuration", advice=warning)
        except RedisError as error:
            if str(error) != told:
                log.warning("queue_away", error=str(error))
            told = str(error)
            stopping.wait(RETRY_S)
        else:
            return


def _stop_on_signals(drain_s: float) -> threading.Event:
    stopping = threading.Event()

    def stop(*_: Any) -> None:
        if not stopping.is_set():
            overdue = threading.Timer(drain_s, os._exit, (1,))
            overdue.daemon = True
            overdue.start()
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopping
