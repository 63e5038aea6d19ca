import json

import httpx
import pytest
import redis

from kantor.service.queue import LeaseQueue
from kantor.service.settings import Settings
from kantor.service.store import BlobStore

ANSWER = {
    "estimate": 1.0, "standard_error": 0.1, "lower_bound": 0.8, "confidence": 0.95,
    "p_value": 0.001, "sample_lower_bound": 0.9, "sample_upper_bound": None,
}  # fmt: skip


def submit(api: httpx.Client, rows: list[list[float]], seed: int) -> str:
    sides = {"source": {"samples": rows}, "target": {"samples": rows}}
    job = api.post("/v1/jobs", json=sides | {"config": {"seed": seed}})
    return str(job.json()["id"])


@pytest.fixture
def ids(
    api: httpx.Client,
    client: redis.Redis,
    api_settings: Settings,
    rows: list[list[float]],
) -> list[str]:
    """Return one job that is answered, and one that is not."""
    found = [submit(api, rows, seed=1)]
    worker = LeaseQueue(client, api_settings, "worker")
    [claim] = worker.claim()
    result = json.dumps(ANSWER | {"curve": [], "warnings": []}).encode()
    worker.succeed(claim, result=BlobStore(api_settings.data_dir).put(result))
    return [*found, submit(api, rows, seed=2)]


def test_jobs_with_a_result_are_answered_at_once(
    api: httpx.Client, ids: list[str]
) -> None:
    asked = [*ids, "job_" + "0" * 32]
    document = api.get("/v1/answers", params={"job": asked}).json()
    assert document == {"answers": {ids[0]: ANSWER}}


def test_a_result_that_is_gone_is_left_out(
    api: httpx.Client, ids: list[str], api_settings: Settings
) -> None:
    for blob in (api_settings.data_dir / "blobs").rglob("*"):
        if blob.is_file():
            blob.unlink()
    assert api.get("/v1/answers", params={"job": ids}).json() == {"answers": {}}


@pytest.mark.parametrize("asked", [[], ["job_x"], ["job_" + "0" * 32] * 201])
def test_what_is_no_list_of_jobs_is_refused(
    api: httpx.Client, asked: list[str]
) -> None:
    response = api.get("/v1/answers", params={"job": asked})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
