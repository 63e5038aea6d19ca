"""The workers' side of the queue: claim, keep, report, end or give back."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, cast

import redis

from kantor.service.queue.broker import BLOCK_S
from kantor.service.queue.damage import JobDamaged, taken_back
from kantor.service.queue.keys import Keys
from kantor.service.queue.records import JobError, JobRecord, JobStatus
from kantor.service.queue.scripting import milliseconds, script_text
from kantor.service.settings import Settings

SCRIPTS = ("claim", "beat", "progress", "finish", "release", "reap", "discard")
LOOKAHEAD = 64
"""Queued jobs looked at for one claim; those that cannot be run make room."""

PASSED_OVER = 1000
"""Queued jobs looked at where those of owners with enough workers are passed over."""


class Holding(StrEnum):
    """Answer to a heartbeat: whether the holder shall go on."""

    HELD = "held"
    CANCEL = "cancel"
    DEADLINE = "deadline"
    LOST = "lost"


@dataclass(frozen=True)
class Claim:
    """A job that this worker holds, and the token that proves it.

    The token names the worker and how often the job has been handed out; the queue
    believes only the newest one.
    """

    job: JobRecord
    token: str


class LeaseQueue:
    """What a worker does with jobs; each transition is one script on the server.

    Every method raises `redis.exceptions.RedisError` when the server is away. All but
    `claim` may simply be repeated; a claim whose reply is lost returns by its lease.
    """

    def __init__(self, client: redis.Redis, settings: Settings, worker: str) -> None:
        self._client = client
        self._settings = settings
        self._worker = worker
        self._keys = Keys(settings.key_prefix)
        self._bell = "0-0"
        self._scripts = {
            name: client.register_script(script_text(name)) for name in SCRIPTS
        }

    def claim(self, most: int = 1) -> list[Claim]:
        """Take the next job, with up to `most - 1` that follow in its bucket.

        No more than this worker's share of what is queued, so that none waits while
        another worker is idle.

        A job whose record cannot be read is set aside, and fails.
        """
        share = self._settings.max_workers_per_key
        far = (LOOKAHEAD, "") if share is None else (PASSED_OVER, share)
        self._bell, *pairs = self._run("claim", self._worker, most, *far)
        claims = []
        for job_id, token in zip(pairs[::2], pairs[1::2], strict=True):
            try:
                claims.append(Claim(self._record(job_id), token))
            except JobDamaged as error:
                self._run("discard", job_id, error.reason)
        return claims

    def wait_for_bell(self) -> None:
        """Return when a job became ready since the last `claim`, or after a second."""
        self._client.xread(
            {self._keys("bell"): self._bell}, block=milliseconds(BLOCK_S)
        )

    def beat(
        self, claims: list[Claim], facts: dict[str, Any] | None = None
    ) -> list[Holding]:
        """Renew the leases; return for each whether to go on.

        Args:
            claims: What is held; none: the worker is idle.
            facts: What this worker is, as `WorkerFacts` has it; None: as before.
        """
        held = [part for claim in claims for part in (claim.job.id, claim.token)]
        about = "" if facts is None else json.dumps(facts)
        answers = self._run("beat", self._worker, about, *held)
        return [Holding(answer) for answer in answers]

    def progress(self, claim: Claim, reports: list[dict[str, Any]]) -> bool:
        """Publish reports, the newest last; return whether the job is still held."""
        texts = [json.dumps(report) for report in reports]
        return bool(self._run("progress", claim.job.id, claim.token, *texts))

    def succeed(self, claim: Claim, *, result: str, critic: str | None = None) -> bool:
        """End the job with the digests of its stored result and critic.

        Returns:
            Whether the queue took it; False when another worker holds the job.
        """
        fields = {"result": result} | ({"critic": critic} if critic else {})
        return self._finish(claim, JobStatus.SUCCEEDED, {}, fields)

    def fail(self, claim: Claim, error: JobError) -> bool:
        """End the job with an error; return whether the queue took it."""
        detail = asdict(error)
        fields = {"error": json.dumps(detail)}
        return self._finish(claim, JobStatus.FAILED, detail, fields)

    def cancelled(self, claim: Claim) -> bool:
        """End the job as cancelled, its training having stopped."""
        return self._finish(claim, JobStatus.CANCELLED, {}, {})

    def release(self, claim: Claim, checkpoint: str | None = None) -> bool:
        """Give the job back in its old place, without using up an attempt."""
        verdict = self._run("release", claim.job.id, claim.token, checkpoint or "")
        return bool(verdict != "lost")

    def reap(self) -> int:
        """Recover jobs of silent workers; return how many."""
        lease = milliseconds(self._settings.lease_s)
        return taken_back(self._run("reap", lease, self._settings.max_attempts))

    def _finish(
        self,
        claim: Claim,
        status: JobStatus,
        detail: dict[str, Any],
        fields: dict[str, str],
    ) -> bool:
        flat = [part for pair in fields.items() for part in pair]
        verdict = self._run(
            "finish", claim.job.id, claim.token, status, json.dumps(detail), *flat
        )
        return bool(verdict == "done")

    def _record(self, job_id: str) -> JobRecord:
        fields = self._client.hgetall(self._keys("job", job_id))
        return JobRecord.from_hash(cast("dict[str, str]", fields))

    def _run(self, script: str, *arguments: str | int) -> Any:
        return self._scripts[script](keys=[self._keys.tag], args=arguments)
