"""Without Redis the API stays up, says so quickly, and recovers by itself."""

from pathlib import Path

import httpx
import pytest

from kantor.service.processes.valkey import EmbeddedValkey
from kantor.service.settings import Settings

JOB = "/v1/jobs/job_" + "0" * 32


@pytest.fixture
def own_valkey_dir(tmp_path: Path) -> Path:
    return tmp_path / "own"


@pytest.fixture
def api_settings(settings: Settings, own_valkey_dir: Path) -> Settings:
    url = EmbeddedValkey(own_valkey_dir).url
    return Settings.model_validate(settings.model_dump() | {"redis_url": url})


def test_an_outage_is_a_quick_503_and_passes(
    api: httpx.Client, own_valkey_dir: Path
) -> None:
    away = api.get(JOB)
    assert (away.status_code, away.json()["code"]) == (503, "queue_unavailable")
    assert away.headers["retry-after"]
    assert away.elapsed.total_seconds() < 2
    assert api.get("/readyz").json()["reasons"][0]["code"] == "queue_unavailable"
    assert api.get("/healthz").status_code == 200
    with EmbeddedValkey(own_valkey_dir):
        assert api.get(JOB).status_code == 404
        assert api.get("/readyz").status_code == 200
