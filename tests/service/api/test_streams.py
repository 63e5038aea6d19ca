from typing import Any

import httpx
import pytest

from kantor.service.api.errors import StreamsExceeded
from kantor.service.api.streams import Streams
from kantor.service.settings import Settings

Rows = list[list[float]]


def test_each_owner_has_so_many_and_no_more() -> None:
    streams = Streams(1)
    with streams.opened("ann"):
        with pytest.raises(StreamsExceeded):
            streams.check("ann")
        streams.check("bob")
    streams.check("ann")


def test_one_stream_too_many_is_told_at_once(
    api_settings: Settings, serving: Any, rows: Rows
) -> None:
    settings = api_settings.model_copy(update={"max_streams_per_key": 1})
    side = {"samples": rows}
    with serving(settings) as (_, api):
        job = api.post("/v1/jobs", json={"source": side, "target": side}).json()
        path = job["links"]["events"]
        with api.stream("GET", path) as first:
            lines = first.iter_lines()  # kept, or it would close the stream
            assert next(lines) == "event: queued"
            refused = api.get(path)
            assert (refused.status_code, refused.json()["code"]) == (
                429,
                "too_many_streams",
            )


def test_one_upload_too_many_is_refused(api_settings: Settings, serving: Any) -> None:
    settings = api_settings.model_copy(update={"max_uploads_per_key": 2})
    with serving(settings) as (_, api):
        found: list[httpx.Response] = [api.post("/v1/uploads") for _ in range(3)]
        assert [answer.status_code for answer in found] == [201, 201, 429]
        assert found[2].json()["code"] == "too_many_uploads"
        api.delete(found[0].headers["location"])
        assert api.post("/v1/uploads").status_code == 201
