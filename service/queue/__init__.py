"""The job queue: leases on two sorted sets of Redis, every transition one Lua script.

`JobBoard` is the API's side (asyncio), `LeaseQueue` the workers' side, and
`DeliveryQueue` that of whoever tells webhooks. What both rely
on: an accepted job ends exactly once; only the worker that holds it can end it; a job
whose worker falls silent is given to another, at most `max_attempts` times. The key map
is in `scripts/common.lua`.
"""

from kantor.service.queue.board import JobBoard
from kantor.service.queue.damage import JobDamaged
from kantor.service.queue.deliveries import Attempt, Delivery, DeliveryQueue, Verdict
from kantor.service.queue.draining import Draining
from kantor.service.queue.figures import QueueStats, RateVerdict, WorkerFacts
from kantor.service.queue.leases import Claim, Holding, LeaseQueue
from kantor.service.queue.records import (
    JobError,
    JobEvent,
    JobFilter,
    JobRecord,
    JobStatus,
    NewJob,
    SampleRef,
)
from kantor.service.queue.refusals import (
    IdempotencyConflict,
    IdempotentJobGone,
    JobActive,
    PriorityTooHigh,
    QueueFull,
    QuotaExceeded,
)
from kantor.service.queue.webhook import Webhook, WebhookRecord

__all__ = [
    "Attempt",
    "Claim",
    "Delivery",
    "DeliveryQueue",
    "Draining",
    "Holding",
    "IdempotencyConflict",
    "IdempotentJobGone",
    "JobActive",
    "JobBoard",
    "JobDamaged",
    "JobError",
    "JobEvent",
    "JobFilter",
    "JobRecord",
    "JobStatus",
    "LeaseQueue",
    "NewJob",
    "PriorityTooHigh",
    "QueueFull",
    "QueueStats",
    "QuotaExceeded",
    "RateVerdict",
    "SampleRef",
    "Verdict",
    "Webhook",
    "WebhookRecord",
    "WorkerFacts",
]
