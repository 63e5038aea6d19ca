import httpx
import pytest

from kantor.service.settings import Settings

Rows = list[list[float]]


@pytest.fixture
def api_settings(settings: Settings) -> Settings:
    limits = {"rate_per_minute": 1.0, "rate_burst": 2, "max_queued_per_key": 1}
    return settings.model_copy(update=limits)


def test_requests_beyond_the_burst_are_turned_away(api: httpx.Client) -> None:
    first, _, third = (api.get("/v1/jobs") for _ in range(3))
    assert first.headers["ratelimit-policy"] == '"default";q=2;w=120'
    assert first.headers["ratelimit"].startswith('"default";r=1;t=')
    assert (third.status_code, third.json()["code"]) == (429, "rate_exceeded")
    assert 0 < int(third.headers["retry-after"]) <= 60


def test_probes_are_not_counted(api: httpx.Client) -> None:
    assert {api.get("/readyz").status_code for _ in range(5)} == {200}


def test_unfinished_jobs_of_one_key_are_bounded(api: httpx.Client, rows: Rows) -> None:
    body = {"source": {"samples": rows}, "target": {"samples": rows}}
    first, second = (api.post("/v1/jobs", json=body) for _ in range(2))
    assert first.status_code == 202
    assert (second.status_code, second.json()["code"]) == (429, "quota_exceeded")
