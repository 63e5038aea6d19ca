"""Jobs as data, and their form in the Redis hash `:job:<id>`."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kantor.service.queue.damage import JobDamaged
from kantor.service.queue.webhook import Webhook, WebhookRecord


class JobStatus(StrEnum):
    """The only statuses; the last three are terminal and never change."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Tell whether the job has ended."""
        return self not in (JobStatus.QUEUED, JobStatus.RUNNING)


@dataclass(frozen=True)
class SampleRef:
    """One side of a job: a stored dataset, its shape, the dataset of its weights.

    `reference` is the name by which the dataset was given, if it was.
    """

    dataset: str
    n: int
    dim: int
    weights: str | None = None
    reference: str | None = None


@dataclass(frozen=True)
class JobError:
    """Why a job failed: a stable code for programs, a sentence for people."""

    code: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """What is needed to queue a job.

    Attributes:
        owner: Id of the API key that submits it; empty where no keys are used.
        bucket: Jobs of one bucket may be claimed together; empty: always alone.
        deadline_s: Time from now after which the job fails, queued or running.
        idempotency_key: Of the submission; the same key names the same job for 24 h.
        body_digest: Digest of the request that the idempotency key stands for.
        cache_key: Names the question; an earlier job that succeeded with the same one
            answers it. Empty: always compute.
        quota: Unfinished jobs the owner may have; None: any number.
        webhook: Who is told of the job's end.
        traceparent: Of the request that submits it; empty: nobody traces it.
    """

    source: SampleRef
    target: SampleRef
    config: dict[str, Any]
    id: str = field(default_factory=lambda: new_job_id())
    labels: dict[str, str] = field(default_factory=dict)
    priority: int = 0
    deadline_s: float | None = None
    owner: str = ""
    bucket: str = ""
    idempotency_key: str = ""
    body_digest: str = ""
    cache_key: str = ""
    quota: int | None = None
    webhook: Webhook | None = None
    traceparent: str = ""

    def to_fields(self) -> dict[str, str]:
        """Return the fields of the job hash that do not change."""
        fields = {
            "bucket": self.bucket,
            "cache_key": self.cache_key,
            "config": json.dumps(self.config),
            "labels": json.dumps(self.labels),
            "source": json.dumps(vars(self.source)),
            "target": json.dumps(vars(self.target)),
        }
        if self.webhook is not None:
            fields["webhook"] = json.dumps(vars(self.webhook))
        if self.traceparent:
            fields["traceparent"] = self.traceparent
        return fields


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """A job as it stands; times are seconds since the epoch, by the server's clock.

    Attributes:
        position: Jobs that go before it, where it is queued and that was asked.
    """

    id: str
    status: JobStatus
    created_at: float
    started_at: float | None
    ended_at: float | None
    deadline_at: float | None
    attempt: int
    priority: int
    owner: str
    labels: dict[str, str]
    config: dict[str, Any]
    source: SampleRef
    target: SampleRef
    progress: dict[str, Any] | None
    cancel_requested: bool
    checkpoint: str | None
    result: str | None
    critic: str | None
    cached: bool
    error: JobError | None
    webhook: WebhookRecord | None
    traceparent: str | None = None
    position: int | None = None

    @classmethod
    def from_hash(
        cls, fields: Mapping[str, str], position: int | None = None
    ) -> "JobRecord":
        """Build from the fields of the job hash.

        Raises:
            JobDamaged: They make no sense.
        """
        try:
            return cls._parsed(fields, position)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise JobDamaged(fields.get("id", "a job"), repr(error)) from error

    @classmethod
    def _parsed(cls, fields: Mapping[str, str], position: int | None) -> "JobRecord":
        return cls(
            id=fields["id"],
            status=JobStatus(fields["status"]),
            created_at=int(fields["created_at"]) / 1000,
            started_at=_seconds(fields.get("started_at")),
            ended_at=_seconds(fields.get("ended_at")),
            deadline_at=_seconds(fields.get("deadline_at")),
            attempt=int(fields["attempt"]),
            priority=int(fields["priority"]),
            owner=fields["owner"],
            labels=json.loads(fields["labels"]),
            config=json.loads(fields["config"]),
            source=SampleRef(**json.loads(fields["source"])),
            target=SampleRef(**json.loads(fields["target"])),
            progress=_parsed(fields.get("progress")),
            cancel_requested="cancel" in fields,
            checkpoint=fields.get("checkpoint"),
            result=fields.get("result"),
            critic=fields.get("critic"),
            cached="cached" in fields,
            error=JobError(**json.loads(fields["error"]))
            if "error" in fields
            else None,
            webhook=WebhookRecord.from_hash(fields),
            traceparent=fields.get("traceparent"),
            position=position,
        )


@dataclass(frozen=True)
class JobFilter:
    """Which jobs of a list are wanted: of this status, with all of these labels."""

    status: JobStatus | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Tell whether every job is wanted."""
        return self.status is None and not self.labels

    def admits(self, status: str | None, labels: str | None) -> bool:
        """Tell whether a job with these fields may be wanted.

        One whose fields make no sense may, so that somebody looks at it.
        """
        if self.status is not None and status != self.status:
            return False
        if not self.labels or not labels:
            return True
        try:
            found = json.loads(labels)
            return bool(self.labels.items() <= found.items())
        except (AttributeError, ValueError):
            return True


@dataclass(frozen=True)
class JobEvent:
    """One entry of a job's event stream.

    `type` is a status, or `progress`, `requeued`, `cancelling`. `id` orders events and
    is what a reader resumes after.
    """

    id: str
    type: str
    at: float
    data: dict[str, Any]

    @property
    def is_terminal(self) -> bool:
        """Tell whether no event can follow."""
        return self.type in set(JobStatus) and JobStatus(self.type).is_terminal

    @classmethod
    def from_entry(cls, entry_id: str, fields: Mapping[str, str]) -> "JobEvent":
        """Build from a stream entry."""
        return cls(
            id=entry_id,
            type=fields["type"],
            at=int(fields["at"]) / 1000,
            data=json.loads(fields["data"]),
        )


def new_job_id() -> str:
    """Return `job_` and the 32 hex digits of a UUID version 7 (RFC 9562)."""
    stamp = time.time_ns() // 1_000_000
    noise = secrets.randbits(74)
    value = stamp << 80 | 7 << 76 | (noise >> 62) << 64 | 2 << 62 | noise & (2**62 - 1)
    return f"job_{value:032x}"


def _seconds(milliseconds: str | None) -> float | None:
    return None if milliseconds is None else int(milliseconds) / 1000


def _parsed(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    document: dict[str, Any] = json.loads(text)
    return document
