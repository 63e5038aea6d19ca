"""Counts and rates that the queue reports."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class QueueStats:
    """The queue at one moment, by the server's clock.

    Attributes:
        workers: Workers heard within the lease.
        oldest_queued_s: How long the queued job that came first has waited.
        webhooks_pending: Notifications that webhooks have not taken yet.
        totals: Counters since the first job: `submitted`; `succeeded`, `failed` and
            `cancelled`; `failed_<code>`; `requeued_<reason>`; `leases_expired`;
            `commits_refused`; `cache_hits`; `webhooks_<outcome>`;
            of runs that their worker ended, `run_count`, `run_ms`, the sum of their
            times, and `run_le_<seconds>`, how many took no longer.
    """

    queued: int
    running: int
    workers: int
    oldest_queued_s: float
    webhooks_pending: int
    totals: dict[str, int]

    @classmethod
    def from_reply(cls, reply: list[Any]) -> "QueueStats":
        """Build from the reply of the script `stats`."""
        queued, running, workers, oldest_ms, pending, flat = reply
        totals = zip(flat[::2], map(int, flat[1::2]), strict=True)
        return cls(queued, running, workers, oldest_ms / 1000, pending, dict(totals))


@dataclass(frozen=True)
class RateVerdict:
    """Whether a call may go on, and what the RateLimit headers say."""

    allowed: bool
    remaining: int
    retry_after_s: float
    reset_s: float
