"""Why the queue does not do what it is asked."""


class QueueFull(Exception):
    """Refuse a job: as many as `max_queued` are queued or running."""


class QuotaExceeded(Exception):
    """Refuse a job: its owner has as many unfinished ones as it may have."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"expected at most {most} unfinished jobs (max_queued_per_key), received "
            "one more: wait until some of yours have ended"
        )


class IdempotencyConflict(Exception):
    """Refuse a job: its idempotency key stands for a different request."""


class IdempotentJobGone(Exception):
    """Refuse a job: the one that its idempotency key stands for is no longer kept."""


class PriorityTooHigh(Exception):
    """Refuse a job: its priority is over the highest that callers may ask for."""

    def __init__(self, received: int, most: int) -> None:
        super().__init__(
            f"expected a priority of at most {most} (KANTOR_MAX_PRIORITY), "
            f"received {received}"
        )


class JobActive(Exception):
    """Refuse to delete a job that has not ended."""


REFUSALS: dict[str, type[Exception]] = {
    "full": QueueFull,
    "conflict": IdempotencyConflict,
    "gone": IdempotentJobGone,
}
"""By the verdict of the script `enqueue`; built from the id of the job."""
