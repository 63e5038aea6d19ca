import json
import time
from typing import Any

import pytest

from kantor.service.queue import JobEvent, JobRecord, JobStatus, NewJob, SampleRef
from kantor.service.queue.records import new_job_id

JOB = NewJob(
    source=SampleRef("ds_x", 50, 2, "ds_w"),
    target=SampleRef("ds_y", 60, 2),
    config={"seed": 1},
    labels={"a": "b"},
)
SERVERS = {
    "id": JOB.id,
    "status": "queued",
    "created_at": "1500",
    "attempt": "0",
    "priority": "3",
    "owner": "ann",
}
"""Fields that the server adds to those of a new job."""


def test_what_is_submitted_comes_back() -> None:
    record = JobRecord.from_hash(JOB.to_fields() | SERVERS, position=4)
    assert (record.source, record.target) == (JOB.source, JOB.target)
    assert (record.config, record.labels) == (JOB.config, JOB.labels)
    assert (record.created_at, record.position) == (1.5, 4)
    assert (record.error, record.webhook, record.result) == (None, None, None)


def test_a_field_that_is_there_is_read() -> None:
    ended: dict[str, Any] = {
        "status": "failed",
        "cancel": "1",
        "cached": "1",
        "ended_at": "2500",
        "error": json.dumps({"code": "c", "detail": "d"}),
        "progress": json.dumps({"step": 1}),
    }
    record = JobRecord.from_hash(JOB.to_fields() | SERVERS | ended)
    assert record.status.is_terminal
    assert record.cancel_requested
    assert (record.cached, record.ended_at) == (True, 2.5)
    assert record.error is not None
    assert (record.error.code, record.progress) == ("c", {"step": 1})


def test_three_statuses_are_terminal() -> None:
    terminal = {status for status in JobStatus if status.is_terminal}
    assert terminal == {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}


@pytest.mark.parametrize(
    ("kind", "terminal"), [("failed", True), ("running", False), ("progress", False)]
)
def test_an_event_tells_whether_it_is_the_last(kind: str, terminal: bool) -> None:
    event = JobEvent.from_entry("1-0", {"type": kind, "at": "1500", "data": "{}"})
    assert (event.is_terminal, event.at) == (terminal, 1.5)


def test_ids_are_unlike_and_in_the_order_of_time() -> None:
    first = [new_job_id() for _ in range(100)]
    time.sleep(0.002)
    assert new_job_id() > max(first)
    assert len(set(first)) == 100
    assert {(i[16], i[20] in "89ab") for i in first} == {("7", True)}
