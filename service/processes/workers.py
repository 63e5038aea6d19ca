"""The workers of one host: a process for each GPU, or several that share the cores.

`kantor workers` runs them alone, `kantor serve` among its other children. A worker that
ends is started again, later and later while it keeps ending; one whose training shows
no sign of life any more, although the process stands, is killed, and its lease gives
the job to another.
"""

import time
from pathlib import Path

import structlog

from kantor.service.capacity import fitting_workers, usable_cores
from kantor.service.processes.children import Child
from kantor.service.processes.gpus import gpu_names
from kantor.service.pulse import Pulse, State
from kantor.service.settings import WITHOUT_KEYS, Settings, environment

STALL_MARGIN_S = 30.0
"""Time a worker has, beyond `stall_s`, to end a training that hangs by itself."""

log = structlog.get_logger(__name__)


class WorkerChild(Child):
    """One worker process, and the page in which it tells that it lives."""

    def __init__(self, variables: dict[str, str], *, patience_s: float) -> None:
        """Prepare a worker.

        Args:
            variables: Of its environment.
            patience_s: Time without a sign of life of a training that is too long.
        """
        self.page = Pulse()
        options = ["--pulse-fd", str(self.page.fd)]
        super().__init__("worker", variables, options=options, shared=[self.page.fd])
        self._patience_s = patience_s
        self._beats = 0
        self._beat_at = 0.0

    @property
    def is_ready(self) -> bool:
        """Tell whether it takes jobs."""
        return self.page.state is not State.STARTING

    def keep_running(self) -> None:
        """Start the process if it does not run; kill it if its training stands."""
        super().keep_running()
        beats, now = self.page.beats, time.monotonic()
        if beats != self._beats or self.page.state is not State.TRAINING:
            self._beats, self._beat_at = beats, now
        elif now - self._beat_at > self._patience_s:
            log.error("worker_stalled", pid=self.pid, beats=beats)
            self.kill()
            self._beat_at = now

    def _start(self) -> None:
        self.page.reset()
        super()._start()


def worker_children(settings: Settings) -> list[WorkerChild]:
    """Return the worker processes: as many as are set, or as serve best here.

    Where the settings ask for GPUs and there are none, there is one worker, which
    says so and ends.
    """
    gpus = [] if settings.device == "cpu" else gpu_names()
    count = settings.workers
    if count is None:
        count = 1 if settings.device == "cuda" and not gpus else fitting_workers(gpus)
    children = []
    for i in range(count):
        threads = settings.worker_threads or max(1, usable_cores() // count)
        variables = (
            environment(settings)
            | WITHOUT_KEYS
            | {
                "OMP_NUM_THREADS": str(threads),
                "KANTOR_WORKER_THREADS": str(threads),
                "KANTOR_HEARD_FILE": "",  # it is about all of them
            }
        )
        if gpus:
            variables["CUDA_VISIBLE_DEVICES"] = gpus[i % len(gpus)]
        patience = settings.stall_s + STALL_MARGIN_S
        children.append(WorkerChild(variables, patience_s=patience))
    return children


def note_heard(workers: list[WorkerChild], file: Path | None, lease_s: float) -> None:
    """Touch a file while the queue hears every worker."""
    if file is not None and all(worker.page.silent_s <= lease_s for worker in workers):
        file.touch()
