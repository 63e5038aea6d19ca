"""The API's side of the queue: submit, look, cancel, follow."""

from collections.abc import AsyncIterator, Awaitable
from typing import Any, Literal, cast

import redis.asyncio

from kantor.service.queue.broker import BLOCK_S
from kantor.service.queue.damage import JobDamaged, taken_back
from kantor.service.queue.draining import EVERYBODY, Draining
from kantor.service.queue.figures import QueueStats, RateVerdict
from kantor.service.queue.keys import Keys
from kantor.service.queue.records import (
    JobEvent,
    JobFilter,
    JobRecord,
    JobStatus,
    NewJob,
)
from kantor.service.queue.refusals import (
    REFUSALS,
    JobActive,
    PriorityTooHigh,
    QuotaExceeded,
)
from kantor.service.queue.scripting import milliseconds, script_text
from kantor.service.settings import DAY_S, Settings

IDEMPOTENCY_LIFE_S = DAY_S
SCRIPTS = (
    "enqueue",
    "look",
    "cancel",
    "delete",
    "reap",
    "rate",
    "stats",
    "discard",
    "drain",
)


class JobBoard:
    """What the API does with jobs; each transition is one script on the server.

    Every method raises `redis.exceptions.RedisError` when the server is away.
    """

    def __init__(self, client: redis.asyncio.Redis, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._keys = Keys(settings.key_prefix)
        self._scripts = {
            name: client.register_script(script_text(name)) for name in SCRIPTS
        }

    def adopt(self, settings: Settings) -> None:
        """Go by the limits of these settings from now on."""
        self._settings = settings

    async def enqueue(self, job: NewJob) -> JobRecord:
        """Queue a job, or return the one that its idempotency key stands for.

        Safe to repeat when the reply was lost: an id is accepted once.

        Raises:
            QueueFull: Too many jobs are unfinished.
            QuotaExceeded: Its owner has too many unfinished jobs.
            IdempotencyConflict: The key was used for another request.
            IdempotentJobGone: The job that the key stands for is no longer kept.
            PriorityTooHigh: The priority is over the highest allowed.
        """
        most = self._settings.highest_priority_of(job.owner)
        if job.priority > most:
            raise PriorityTooHigh(job.priority, most)
        verdict, *shown = await self._run("enqueue", *self._enqueue_arguments(job))
        if verdict == "quota":
            raise QuotaExceeded(self._quota_of(job) or 0)
        if verdict in REFUSALS:
            raise REFUSALS[verdict](job.id)
        record = await self._read(job.id, *shown)
        assert record is not None
        return record

    async def get(self, job_id: str) -> JobRecord | None:
        """Return a job with its place in the queue, or None if there is none."""
        return await self._read(job_id, await self._run("look", job_id))

    async def cancel(self, job_id: str) -> JobRecord | None:
        """Cancel a queued job, ask a running one to stop, leave an ended one."""
        await self._run("cancel", job_id)
        return await self.get(job_id)

    async def delete(self, job_id: str) -> bool:
        """Forget an ended job; return whether it was known.

        Raises:
            JobActive: The job is queued or running.
        """
        verdict = await self._run("delete", job_id)
        if verdict == "active":
            raise JobActive(job_id)
        return bool(verdict == "deleted")

    async def page(
        self,
        *,
        owner: str | None = None,
        before: int | None = None,
        limit: int = 50,
        only: JobFilter | None = None,
    ) -> list[tuple[int, JobRecord | None]]:
        """Return jobs, newest first, each with its sequence number.

        One that was deleted while the page was read is None in its place, so that only
        the last page is shorter than `limit`.

        Args:
            owner: Only jobs of this owner; None: of all.
            before: Only jobs with a smaller sequence number: the cursor of a page.
            limit: Most jobs to return.
            only: Which jobs are wanted; any other is None in its place, and costs
                little.
        """
        index = self._keys("index") if owner is None else self._keys("index", owner)
        newest = "+inf" if before is None else f"({before}"
        found = await _reply(
            self._client.zrevrangebyscore(
                index, newest, "-inf", start=0, num=limit, withscores=True
            )
        )
        ids = [job_id for job_id, _ in found]
        if only is not None and not only.is_empty:
            ids = await self._possible(ids, only)
        async with self._client.pipeline(transaction=False) as pipe:
            for job_id in ids:
                pipe.hgetall(self._keys("job", job_id))
            hashes = await pipe.execute(raise_on_error=False)
        records = {}
        for job_id, fields in zip(ids, hashes, strict=True):
            if isinstance(fields, dict) and "status" in fields:
                records[job_id] = await self._sound(job_id, fields)
        return [(int(seq), records.get(job_id)) for job_id, seq in found]

    async def history(self, job_id: str, after: str = "0-0") -> list[JobEvent]:
        """Return the kept events of a job that follow the event of id `after`."""
        entries = await _reply(
            self._client.xrange(self._keys("events", job_id), min=f"({after}")
        )
        return [JobEvent.from_entry(*entry) for entry in entries]

    async def events(self, job_id: str, after: str = "0-0") -> AsyncIterator[JobEvent]:
        """Yield events as they happen, until the terminal one.

        Ends, too, when the job is forgotten, or has ended and its events are gone.

        Args:
            job_id: The job to follow.
            after: Id of the last event that was seen.
        """
        stream, ended = self._keys("events", job_id), False
        while True:
            wait = None if ended else milliseconds(BLOCK_S)
            reply = await _reply(self._client.xread({stream: after}, block=wait))
            for entry in reply[0][1] if reply else []:
                event = JobEvent.from_entry(*entry)
                yield event
                if event.is_terminal:
                    return
                after = event.id
            if not reply and ended:
                return
            # The end may have come after the read, so one more read follows it.
            ended = not reply and await self._has_ended(job_id)

    async def reap(self) -> int:
        """Recover jobs of silent workers; return how many. Anybody may call it."""
        lease = milliseconds(self._settings.lease_s)
        return taken_back(await self._run("reap", lease, self._settings.max_attempts))

    async def check_writable(self) -> None:
        """Write something of no consequence.

        Raises:
            RedisError: The server does not answer, or refuses to write.
        """
        await _reply(self._client.set(self._keys("probe"), 1, px=1000))

    async def stats(self) -> QueueStats:
        """Count what is queued and running, live workers, and outcomes so far."""
        lease_s = self._settings.lease_s
        reply = await self._run("stats", milliseconds(lease_s))
        return QueueStats.from_reply(reply, lease_s)

    async def drain(self, what: Literal["on", "off", "look"]) -> Draining:
        """Let all workers claim no more jobs, or again; return what is drained."""
        names = [EVERYBODY] if what == "on" else []
        return Draining.from_reply(await self._run("drain", what, *names))

    async def take_token(
        self, name: str, *, per_minute: float, burst: int
    ) -> RateVerdict:
        """Spend a token of a rate limit.

        Args:
            name: Whose limit it is.
            per_minute: Tokens that come back in a minute.
            burst: Tokens that can be spent at once.
        """
        interval_ms = f"{60_000 / per_minute:.3f}"
        allowed, left, wait_ms, reset_ms = await self._run(
            "rate", name, interval_ms, burst
        )
        return RateVerdict(bool(allowed), left, wait_ms / 1000, reset_ms / 1000)

    async def _read(self, job_id: str, shown: list[Any]) -> JobRecord | None:
        """Build a job from what the script `look` returns."""
        flat, position = shown
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        if not fields:
            return None
        return await self._sound(fields.get("id", job_id), fields, position)

    async def _sound(
        self, job_id: str, fields: dict[str, str], position: int | None = None
    ) -> JobRecord | None:
        """Build a job; one whose record makes no sense is set aside first."""
        try:
            return JobRecord.from_hash(fields, position)
        except JobDamaged as error:
            flat, _ = await self._run("discard", job_id, error.reason)
            return JobRecord.from_hash(dict(zip(flat[::2], flat[1::2], strict=True)))

    async def _possible(self, ids: list[str], only: JobFilter) -> list[str]:
        """Return which jobs may be wanted, by the two fields that tell."""
        async with self._client.pipeline(transaction=False) as pipe:
            for job_id in ids:
                pipe.hmget(self._keys("job", job_id), "status", "labels")
            replies = await pipe.execute(raise_on_error=False)
        return [
            job_id
            for job_id, fields in zip(ids, replies, strict=True)
            if isinstance(fields, list) and only.admits(*fields)
        ]

    async def _has_ended(self, job_id: str) -> bool:
        status = await _reply(self._client.hget(self._keys("job", job_id), "status"))
        return status is None or JobStatus(status).is_terminal

    def _enqueue_arguments(self, job: NewJob) -> list[str | int]:
        life = {
            "result_ttl": milliseconds(self._settings.result_ttl_s),
            "event_ttl": milliseconds(self._settings.event_ttl_s),
            "max_events": self._settings.max_events,
            "max_kept": self._settings.max_kept_per_key,
        }
        fields = job.to_fields() | life
        quota = self._quota_of(job)
        return [
            job.id,
            job.owner,
            job.priority,
            "" if job.deadline_s is None else milliseconds(job.deadline_s),
            self._settings.max_queued,
            "" if quota is None else quota,
            job.idempotency_key,
            job.body_digest,
            milliseconds(IDEMPOTENCY_LIFE_S),
            *(part for pair in fields.items() for part in pair),
        ]

    def _quota_of(self, job: NewJob) -> int | None:
        return self._settings.queued_quota if job.quota is None else job.quota

    async def _run(self, script: str, *arguments: str | int) -> Any:
        return await self._scripts[script](keys=[self._keys.tag], args=arguments)


async def _reply(pending: Awaitable[Any] | Any) -> Any:
    """Await a reply; redis-py types its commands as both sync and async."""
    return await cast("Awaitable[Any]", pending)
