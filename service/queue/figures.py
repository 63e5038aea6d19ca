"""Counts and rates that the queue reports."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class WorkerFacts:
    """What a worker says about itself, and when it was last heard.

    Attributes:
        silent_s: Seconds since then.
        device: What it trains on, with the model of a GPU; empty: it has not said.
        memory_bytes: Of that device.
        used_bytes: Of these, in use: of a GPU by anybody, else by this process.
        gpu_lost: Whether it was to have a GPU and found none.
        draining: Whether it claims no more jobs.
    """

    name: str
    silent_s: float
    device: str = ""
    memory_bytes: int = 0
    used_bytes: int = 0
    gpu_lost: bool = False
    draining: bool = False

    def is_live(self, silence_s: float) -> bool:
        """Tell whether it was heard within that time, and can train."""
        return self.silent_s <= silence_s and not self.gpu_lost


@dataclass(frozen=True)
class QueueStats:
    """The queue at one moment, by the server's clock.

    Attributes:
        workers: Workers heard lately, also those that had no GPU; `live_workers`
            counts those that work.
        oldest_queued_s: How long the queued job that came first has waited.
        webhooks_pending: Notifications that webhooks have not taken yet.
        totals: Counters since the first job: `submitted`; `succeeded`, `failed` and
            `cancelled`; `failed_<code>`; `requeued_<reason>`; `leases_expired`;
            `commits_refused`; `cache_hits`; `webhooks_<outcome>`;
            of runs that their worker ended, `run_count`, `run_ms`, the sum of their
            times, and `run_le_<seconds>`, how many took no longer.
        all_draining: Whether no worker is to claim jobs, those to come included.
    """

    queued: int
    running: int
    oldest_queued_s: float
    webhooks_pending: int
    totals: dict[str, int]
    workers: tuple[WorkerFacts, ...] = ()
    lease_s: float = 0.0
    all_draining: bool = False

    @classmethod
    def from_reply(cls, reply: list[Any], lease_s: float) -> "QueueStats":
        """Build from the reply of the script `stats`."""
        queued, running, oldest_ms, pending, flat, workers, drained = reply
        totals = zip(flat[::2], map(int, flat[1::2]), strict=True)
        facts = tuple(_facts(workers))
        return cls(
            queued,
            running,
            oldest_ms / 1000,
            pending,
            dict(totals),
            facts,
            lease_s,
            bool(drained),
        )

    @property
    def live_workers(self) -> list[WorkerFacts]:
        """Workers that were heard within the lease and can train."""
        return [worker for worker in self.workers if worker.is_live(self.lease_s)]

    @property
    def draining(self) -> Literal["none", "some", "all"]:
        """Tell which of the live workers claim no more jobs."""
        drained = [worker.draining for worker in self.live_workers]
        if self.all_draining or (drained and all(drained)):
            return "all"
        return "some" if any(drained) else "none"

    @property
    def lost_gpus(self) -> list[WorkerFacts]:
        """Workers that lately were to have a GPU and found none."""
        return [worker for worker in self.workers if worker.gpu_lost]


def _facts(flat: list[Any]) -> Iterator[WorkerFacts]:
    """Read workers; one that says nothing that can be read is still counted."""
    columns = (flat[start::4] for start in range(4))
    for name, silent_ms, text, drained in zip(*columns, strict=True):
        known = {"silent_s": silent_ms / 1000, "draining": bool(drained)}
        try:
            yield WorkerFacts(name, **known, **json.loads(text or "{}"))
        except (TypeError, ValueError):
            yield WorkerFacts(name, **known)


@dataclass(frozen=True)
class RateVerdict:
    """Whether a call may go on, and what the RateLimit headers say."""

    allowed: bool
    remaining: int
    retry_after_s: float
    reset_s: float
