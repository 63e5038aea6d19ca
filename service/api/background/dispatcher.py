"""Keep at it: claim what is owed to webhooks, send, settle, and try again later.

Every API process runs one dispatcher; leases share the work out. One whose process dies
while it sends is sent again by another, with the same `webhook-id`.
"""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
import structlog
from redis.exceptions import RedisError

from kantor.service.api.webhooks.messages import message_body, message_id
from kantor.service.api.webhooks.sending import Answer
from kantor.service.api.webhooks.setup import Webhooks
from kantor.service.queue import Attempt, Delivery, DeliveryQueue, Verdict
from kantor.service.store import BlobStore

IN_FLIGHT = 32
POLL_S = 1.0
LEAVE_S = 3.0
"""How long a process that ends waits for what it is sending."""

JITTER = 0.1
LONGEST_RETRY_AFTER_S = 86_400.0
_SETTLE_TRIES = 20

log = structlog.get_logger("kantor.webhooks")


@asynccontextmanager
async def dispatching(
    queue: DeliveryQueue,
    blobs: BlobStore,
    webhooks: Webhooks | None,
    *,
    closing: asyncio.Event,
) -> AsyncIterator[None]:
    """Tell webhooks for as long as the block runs; nothing where they are off."""
    if webhooks is None:
        yield
        return
    dispatcher = Dispatcher(queue, blobs, webhooks, closing=closing)
    task = asyncio.create_task(dispatcher.run())
    try:
        yield
    finally:
        closing.set()
        await task


class Dispatcher:
    """Sends what is owed, a bounded number at a time, until the server closes.

    It is told to end, and not cancelled: on Python 3.11 a cancellation that meets the
    end of an `asyncio.wait_for`, which redis-py uses, is lost.
    """

    def __init__(
        self,
        queue: DeliveryQueue,
        blobs: BlobStore,
        webhooks: Webhooks,
        *,
        closing: asyncio.Event,
    ) -> None:
        self._queue = queue
        self._blobs = blobs
        self._webhooks = webhooks
        self._closing = closing
        self._draw = random.Random()
        self._away = False
        self._sending: dict[asyncio.Task[None], str] = {}

    async def run(self) -> None:
        """Send until told to end; what is being sent then may end, or is left."""
        while not self._closing.is_set():
            free = IN_FLIGHT - len(self._sending)
            for delivery in await self._claim(free) if free else []:
                self._start(delivery)
            await self._rest()
        if self._sending:
            await asyncio.wait(self._sending, timeout=LEAVE_S)
        for task in self._sending:
            task.cancel()

    async def _rest(self) -> None:
        """Return when a notification has been sent, after a moment, or at the end."""
        closing = asyncio.ensure_future(self._closing.wait())
        await asyncio.wait(
            [*self._sending, closing],
            timeout=POLL_S,
            return_when=asyncio.FIRST_COMPLETED,
        )
        closing.cancel()

    async def _claim(self, most: int) -> list[Delivery]:
        try:
            claimed = await self._queue.claim(
                most,
                in_flight=Counter(self._sending.values()),
                max_attempts=self._webhooks.max_attempts,
            )
        except RedisError as error:
            if not self._away:
                log.warning("dispatching failed", error=type(error).__name__)
            self._away = True
            return []
        except Exception:
            log.exception("dispatching broke")
            return []
        self._away = False
        return claimed

    def _start(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._deliver(delivery))
        self._sending[task] = delivery.host
        task.add_done_callback(self._sending.pop)

    async def _deliver(self, delivery: Delivery) -> None:
        with structlog.contextvars.bound_contextvars(job_id=delivery.job.id):
            try:
                answer = await self._send(delivery)
            except Exception:
                log.exception("webhook broke")
                answer = Answer(error="the service failed; its log has more")
            await self._settle(delivery, answer)

    async def _send(self, delivery: Delivery) -> Answer:
        job, webhooks = delivery.job, self._webhooks
        body = await anyio.to_thread.run_sync(message_body, job, self._blobs)
        headers = webhooks.signer.headers(
            job.owner, message_id(job), body, at=int(time.time())
        )
        return await webhooks.sender.send(delivery.url, headers, body)

    async def _settle(self, delivery: Delivery, answer: Answer) -> None:
        verdict = self._verdict(delivery, answer)
        attempt = Attempt(status=answer.status, error=answer.error)
        delay_s = self._delay_s(delivery, answer) if verdict is Verdict.RETRY else 0.0
        log.info(
            "webhook",
            host=delivery.host,
            outcome=verdict.value,
            attempt=delivery.attempt,
            status=answer.status,
            error=answer.error,
        )
        for _ in range(_SETTLE_TRIES):
            with contextlib.suppress(RedisError):
                await self._queue.settle(delivery, verdict, attempt, delay_s=delay_s)
                return
            await asyncio.sleep(POLL_S)
        log.warning("webhook unsettled")

    def _verdict(self, delivery: Delivery, answer: Answer) -> Verdict:
        if answer.is_success:
            return Verdict.DELIVERED
        if answer.is_final or delivery.attempt >= self._webhooks.max_attempts:
            return Verdict.FAILED
        return Verdict.RETRY

    def _delay_s(self, delivery: Delivery, answer: Answer) -> float:
        """Return when to try again: by the schedule, or later where asked to."""
        planned_s = self._webhooks.delays_s[delivery.attempt - 1]
        asked_s = min(answer.retry_after_s, LONGEST_RETRY_AFTER_S)
        return max(planned_s, asked_s) * (1 + JITTER * self._draw.random())
