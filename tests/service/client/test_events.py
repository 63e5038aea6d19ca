"""Live events, over a connection that breaks."""

import httpx
import pytest

from kantor.service.client import KantorClient, NotFound, Retries, Unreachable
from kantor.service.client.events import EventReader


def reader(attempts: int = 3) -> EventReader:
    return EventReader("job_1", None, Retries(attempts, first_pause_s=0.0), "http://s")


def fed(found: EventReader, text: str) -> list[str]:
    events = [found.feed(line) for line in text.split("\n")]
    return [event.type for event in events if event is not None]


STREAM = ": ping\n\nid: 1-0\nevent: queued\ndata: {}\n\nid: 2-0\nevent: progress\n"


def test_comments_are_no_events_and_half_an_event_is_none() -> None:
    found = reader()
    assert fed(found, STREAM) == ["queued"]
    assert found.call().headers["Last-Event-ID"] == "1-0"


def test_data_may_have_several_lines() -> None:
    found = reader()
    event = [found.feed(line) for line in ["data: [1,", "data: 2]", ""]][-1]
    assert event is not None
    assert str(event.data) == "[1, 2]"


@pytest.mark.parametrize("end", ["succeeded", "failed", "cancelled"])
def test_a_terminal_event_is_the_last(end: str) -> None:
    found = reader()
    fed(found, f"event: {end}\ndata: {{}}\n\n")
    assert found.ended


def test_a_stream_that_only_breaks_has_an_end() -> None:
    found, error = reader(), httpx.ReadError("gone")
    found.broke(error)
    found.broke(error)
    with pytest.raises(Unreachable, match="gone"):
        found.broke(error)


def test_an_event_renews_the_attempts() -> None:
    found, error = reader(attempts=2), httpx.ReadError("gone")
    found.broke(error)
    fed(found, "event: progress\ndata: {}\n\n")
    assert found.broke(error) == 0.0


def test_events_that_are_kept_no_more_end_quietly() -> None:
    found = reader(attempts=1)
    assert (found.broke(None), found.ended) == (0.0, True)


def test_a_refusal_is_final() -> None:
    missing = httpx.Response(404, json={"code": "job_not_found", "detail": "no job"})
    with pytest.raises(NotFound):
        reader().broke(missing)


def test_a_broken_stream_goes_on_where_it_broke_off() -> None:
    asked: list[str | None] = []

    def service(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("Last-Event-ID"))
        if len(asked) == 1:
            return httpx.Response(200, text="id: 1-0\nevent: queued\ndata: {}\n\n")
        return httpx.Response(200, text="id: 2-0\nevent: failed\ndata: {}\n\n")

    transport = httpx.MockTransport(service)
    with KantorClient(transport=transport, retries=Retries(first_pause_s=0)) as client:
        found = [event.type for event in client.events("job_1")]
    assert (found, asked) == (["queued", "failed"], [None, "1-0"])
