from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from kantor.service.api.routes import jobs
from kantor.service.queue import JobBoard


@pytest.mark.parametrize("limit", [25, 200])
def test_of_a_thousand_jobs_no_more_are_read_than_are_shown(
    api: httpx.Client, board: Any, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    for _ in range(1000):
        board.enqueue()
    read = counted_reads(monkeypatch)
    page = api.get("/v1/jobs", params={"limit": limit}).json()
    assert len(page["data"]) == limit
    assert page["next_cursor"] is not None
    assert limit <= sum(read) <= limit + 1  # one more tells of a next page


def test_a_label_nobody_has_is_looked_for_a_bounded_time(
    api: httpx.Client, board: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_PAGE", 10)
    monkeypatch.setattr(jobs, "_MOST_SCANNED", 30)
    first = board.enqueue(labels={"name": "rare"})
    for _ in range(50):
        board.enqueue(labels={"name": "usual"})
    read = counted_reads(monkeypatch)
    page = api.get("/v1/jobs", params={"label": "name:rare"}).json()
    assert (page["data"], sum(read)) == ([], 0)  # told by two fields, none read whole
    params = {"label": "name:rare", "cursor": page["next_cursor"]}
    page = api.get("/v1/jobs", params=params).json()
    assert [job["id"] for job in page["data"]] == [first.id]
    assert (page["next_cursor"], sum(read)) == (None, 1)


def counted_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the jobs that are read whole."""
    read: list[int] = []
    sound: Callable[..., Awaitable[Any]] = JobBoard._sound

    async def counted(self: JobBoard, *arguments: Any) -> Any:
        read.append(1)
        return await sound(self, *arguments)

    monkeypatch.setattr(JobBoard, "_sound", counted)
    return read
