"""The notifications that ended jobs owe to their webhooks: lease, settle, retry.

A job's end and the debt of its notification are one script, and a sender that dies
loses its lease, so a notification is sent at least once, or given up after the last
attempt. What is owed lives with its job and is forgotten with it.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

import redis.asyncio

from kantor.service.queue.damage import JobDamaged
from kantor.service.queue.keys import Keys
from kantor.service.queue.records import JobRecord
from kantor.service.queue.scripting import milliseconds, script_text
from kantor.service.queue.webhook import Webhook
from kantor.service.settings import Settings

LEASE_S = 60.0
"""After this a notification is sent again by another; longer than any attempt."""

PER_HOST = 8
"""Notifications that one sender has in flight to one host."""

PAUSE_S = 2.0
"""How long notifications to hosts that are busy are put off."""

PASSES = 100
"""How often one claim looks past notifications to hosts that are busy."""


class Verdict(StrEnum):
    """What an attempt leads to."""

    DELIVERED = "delivered"
    FAILED = "failed"
    RETRY = "retry"


@dataclass(frozen=True)
class Delivery:
    """A notification that this process shall send, where, and which attempt it is."""

    job: JobRecord
    url: str
    host: str
    attempt: int


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What came of sending: an HTTP status, or an error instead of one."""

    status: int | None = None
    error: str | None = None


class DeliveryQueue:
    """Hands out notifications; each transition is one script on the server.

    Every method raises `redis.exceptions.RedisError` when the server is away.
    """

    def __init__(self, client: redis.asyncio.Redis, settings: Settings) -> None:
        self._client = client
        self._keys = Keys(settings.key_prefix)
        self._dispatch = client.register_script(script_text("dispatch"))
        self._settle = client.register_script(script_text("settle"))

    async def claim(
        self, most: int, *, in_flight: Mapping[str, int], max_attempts: int
    ) -> list[Delivery]:
        """Lease notifications that are due.

        Args:
            most: How many at most.
            in_flight: How many this process is sending now, by host.
            max_attempts: Attempts after which one is given up.
        """
        limits = [milliseconds(LEASE_S), most, PER_HOST, max_attempts]
        hosts: list[str | int] = [part for pair in in_flight.items() for part in pair]
        arguments = [*limits, milliseconds(PAUSE_S), *hosts]
        for _ in range(PASSES):
            put_off, *pairs = await self._dispatch(
                keys=[self._keys.tag], args=arguments
            )
            if pairs or not put_off:
                return await self._deliveries(pairs)
        return []

    async def settle(
        self,
        delivery: Delivery,
        verdict: Verdict,
        attempt: Attempt,
        *,
        delay_s: float = 0.0,
    ) -> bool:
        """Record an attempt; return whether it was still this process's.

        Args:
            delivery: What was sent.
            verdict: Whether to go on trying.
            attempt: What came of it.
            delay_s: Time until the next attempt.
        """
        arguments: list[str | int] = [
            delivery.job.id,
            delivery.attempt,
            verdict,
            milliseconds(delay_s),
            "" if attempt.status is None else attempt.status,
            attempt.error or "",
        ]
        return bool(await self._settle(keys=[self._keys.tag], args=arguments))

    async def _deliveries(self, pairs: list[Any]) -> list[Delivery]:
        found = []
        for job_id, attempt in zip(pairs[::2], pairs[1::2], strict=True):
            fields = await cast(Any, self._client.hgetall(self._keys("job", job_id)))
            if "webhook" not in fields:  # it was deleted in this very moment
                continue
            with contextlib.suppress(JobDamaged):  # given up after its last attempt
                job = JobRecord.from_hash(fields)
                webhook = Webhook.parse(fields)
                found.append(Delivery(job, webhook.url, webhook.host, attempt))
        return found
