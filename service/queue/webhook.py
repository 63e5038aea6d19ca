"""What a job's webhook is, and what came of telling it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Webhook:
    """Who is told of a job's end.

    Attributes:
        url: Where the notification is sent.
        host: The host in it; one host gets only a few notifications at a time.
        events: The ends that are told, as `job.failed`.
    """

    url: str
    host: str
    events: list[str]

    @classmethod
    def parse(cls, fields: Mapping[str, str]) -> "Webhook":
        """Build from the fields of the job hash."""
        return cls(**json.loads(fields["webhook"]))


@dataclass(frozen=True, kw_only=True)
class WebhookRecord:
    """A job's webhook as it stands; times are seconds since the epoch.

    Attributes:
        status: `waiting` for the job's end; `pending` until the webhook takes the
            notification; `delivered`; `failed`, given up; `skipped`, an end that the
            webhook does not ask for.
        attempts: How often sending was tried.
        next_attempt_at: When it is tried again, while it is pending.
        last_status: HTTP status of the last answer; None if there was none.
        last_error: Why the last attempt did not succeed.
    """

    webhook: Webhook
    status: str
    attempts: int
    next_attempt_at: float | None
    last_attempt_at: float | None
    last_status: int | None
    last_error: str | None

    @classmethod
    def from_hash(cls, fields: Mapping[str, str]) -> "WebhookRecord | None":
        """Build from the fields of the job hash; None for a job without a webhook."""
        if "webhook" not in fields:
            return None
        due = fields.get("webhook_due")
        last = json.loads(fields.get("webhook_last", "{}"))
        return cls(
            webhook=Webhook.parse(fields),
            status=fields.get("webhook_status", "waiting"),
            attempts=int(fields.get("webhook_attempts", 0)),
            next_attempt_at=int(due) / 1000 if due else None,
            last_attempt_at=last["at"] / 1000 if last else None,
            last_status=last.get("status"),
            last_error=last.get("error"),
        )
