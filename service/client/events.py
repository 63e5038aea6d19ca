"""A job's live events: server-sent events, taken up again where they broke off."""

import json

import httpx

from kantor.service.client.answers import TERMINAL_STATUSES, Event
from kantor.service.client.errors import Busy, KantorError, error_of, silence
from kantor.service.client.steps import Call, Retries


class EventReader:
    """Reads the lines of a stream, and knows where to go on after a break.

    Args:
        job_id: The job to follow.
        after: Id of the last event that is known; None for all.
        retries: How often a broken stream is taken up without anything new.
        base_url: Of the service, for its errors.
    """

    def __init__(
        self, job_id: str, after: str | None, retries: Retries, base_url: str
    ) -> None:
        self.ended = False
        self._path = f"/v1/jobs/{job_id}/events"
        self._last_id = after
        self._retries = retries
        self._base_url = base_url
        self._attempt = 0
        self._fields: dict[str, str] = {}

    def call(self) -> Call:
        """Return the request that opens the stream, or takes it up again."""
        self._fields = {}
        headers = {"Accept": "text/event-stream"}
        if self._last_id is not None:
            headers["Last-Event-ID"] = self._last_id
        return Call(method="GET", path=self._path, headers=headers)

    def feed(self, line: str) -> Event | None:
        """Take a line; return the event that it completes."""
        if line:
            name, _, value = line.partition(":")
            if name == "data" and "data" in self._fields:
                value = f"{self._fields['data']}\n{value.removeprefix(' ')}"
            self._fields[name] = value.removeprefix(" ")
            return None
        fields, self._fields = self._fields, {}
        if "data" not in fields:
            return None  # a comment that keeps the connection open
        self._attempt = 0
        self._last_id = fields.get("id", self._last_id)
        kind = fields.get("event", "message")
        self.ended = kind in TERMINAL_STATUSES
        data = json.loads(fields["data"])
        return Event({"id": self._last_id, "type": kind, "data": data})

    def broke(self, cause: httpx.Response | httpx.HTTPError | None) -> float:
        """Return how long to wait before taking the stream up again.

        Raises:
            KantorError: The service refused, or it broke off too often.
        """
        error: KantorError | None = None
        if isinstance(cause, httpx.Response):
            error = error_of(cause)
            if error is not None and not isinstance(error, Busy):
                raise error
        elif cause is not None:
            error = silence(self._base_url, cause)
        self._attempt += 1
        asked = None if error is None else error.retry_after_s
        pause = self._retries.pause_s(self._attempt, asked)
        if pause is not None:
            return pause
        if error is not None:
            raise error
        self.ended = True  # nothing comes any more: the events are no longer kept
        return 0.0
