"""No key takes what others need; every refusal names the setting and what came."""

import hashlib
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest

from kantor.service.settings import Settings

Rows = list[list[float]]
NPY = {"Content-Type": "application/x-npy"}
TOKENS = {"ann": "kt_ann", "bob": "kt_bob"}


def key_of(owner: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[owner]}"}


@pytest.fixture
def limits() -> dict[str, Any]:
    return {}


@pytest.fixture
def shared(
    api_settings: Settings, serving: Any, limits: dict[str, Any]
) -> Iterator[httpx.Client]:
    keys = {o: hashlib.sha256(t.encode()).hexdigest() for o, t in TOKENS.items()}
    known = api_settings.model_dump(exclude={"api_keys", "redis_url"})
    url = api_settings.redis_url
    assert url is not None
    given = known | {"redis_url": url.get_secret_value(), "api_keys": keys} | limits
    with serving(Settings.model_validate(given)) as (_, client):
        yield client


def job(rows: Rows, **more: Any) -> dict[str, Any]:
    return {"source": {"samples": rows}, "target": {"samples": rows}} | more


def npy(n: int, seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.random.default_rng(seed).normal(size=(n, 2)))
    return buffer.getvalue()


def slow_csv(megabytes: int) -> bytes:
    line = b"0.12345,0.54321\n"
    return b"a,b\n" + line * (megabytes * 1_000_000 // len(line))


@pytest.mark.parametrize(
    "limits", [{"max_body_bytes": 50_000_000, "decode_timeout_s": 600.0}]
)
def test_large_files_of_one_key_keep_no_small_ones_waiting(
    shared: httpx.Client, rows: Rows
) -> None:
    body, kind = slow_csv(30), {"Content-Type": "text/csv"}

    def flood(_: int) -> float:
        headers = key_of("ann") | kind
        answer = shared.post("/v1/datasets", content=body, headers=headers, timeout=600)
        assert answer.is_success, answer.text
        return answer.elapsed.total_seconds()

    with ThreadPoolExecutor(6) as pool:
        floods = [pool.submit(flood, i) for i in range(6)]
        took = []
        while not all(flood.done() for flood in floods):
            answer = shared.post("/v1/jobs", json=job(rows), headers=key_of("bob"))
            assert answer.is_success
            took.append(answer.elapsed.total_seconds())
    slowest_flood = max(flood.result() for flood in floods)
    assert max(took) < slowest_flood / 2


@pytest.mark.parametrize("limits", [{"max_files_per_key": 1}])
def test_a_key_has_so_many_files_under_way(shared: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        body = npy(50)
        yield body[:100]
        refused.append(send("ann"))
        allowed.append(send("bob"))
        yield body[100:]

    def send(owner: str) -> httpx.Response:
        headers = key_of(owner) | NPY
        return httpx.post(url, content=npy(50), headers=headers)

    url = f"{shared.base_url}/v1/datasets"
    refused: list[httpx.Response] = []
    allowed: list[httpx.Response] = []
    headers = key_of("ann") | NPY
    first = shared.post("/v1/datasets", content=endless(), headers=headers)
    assert (first.status_code, allowed[0].status_code) == (201, 201)
    assert refused[0].status_code == 429
    assert refused[0].json()["code"] == "too_many_files"
    assert "max_files_per_key" in refused[0].json()["detail"]


@pytest.mark.parametrize("limits", [{"max_stored_bytes_per_key": 2**20}])
def test_a_key_stores_so_much_and_no_more(shared: httpx.Client) -> None:
    def store(owner: str, seed: int) -> httpx.Response:
        headers = key_of(owner) | NPY
        return shared.post("/v1/datasets", content=npy(30_000, seed), headers=headers)

    first, second = store("ann", 1), store("ann", 2)
    assert (first.status_code, second.status_code) == (201, 201)
    refused = store("ann", 3)
    assert (refused.status_code, refused.json()["code"]) == (413, "storage_exceeded")
    assert "max_stored_bytes_per_key" in refused.json()["detail"]
    assert store("bob", 3).status_code == 201
    shared.delete(first.headers["location"], headers=key_of("ann"))


@pytest.mark.parametrize("limits", [{"max_record_bytes": 4096}])
def test_what_a_job_says_of_itself_is_bounded(shared: httpx.Client, rows: Rows) -> None:
    config = {"columns": [f"column {i}" for i in range(500)]}
    body = job(rows, config=config)
    refused = shared.post("/v1/jobs", json=body, headers=key_of("ann"))
    assert (refused.status_code, refused.json()["code"]) == (422, "limit_exceeded")
    assert "4096 bytes (max_record_bytes), received" in refused.json()["detail"]


@pytest.mark.parametrize("limits", [{"max_priority_by_key": {"ann": 9}}])
def test_high_priorities_are_a_keys_own(shared: httpx.Client, rows: Rows) -> None:
    def submit(owner: str) -> int:
        body = job(rows, priority=9)
        return shared.post("/v1/jobs", json=body, headers=key_of(owner)).status_code

    assert (submit("ann"), submit("bob")) == (202, 422)


@pytest.mark.parametrize("limits", [{"max_dataset_bytes": 2**20}])
def test_what_a_file_expands_to_is_bounded(shared: httpx.Client) -> None:
    packed = io.BytesIO()
    np.savez_compressed(packed, np.zeros((200_000, 2)))
    headers = key_of("ann") | {"Content-Type": "application/x-npz"}
    refused = shared.post("/v1/datasets", content=packed.getvalue(), headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_file")
    assert "max_dataset_bytes" in refused.json()["detail"]


@pytest.mark.parametrize(
    "limits", [{"max_stored_bytes_per_key": 2**20, "max_queued_per_key": 7}]
)
def test_callers_can_read_their_limits(shared: httpx.Client) -> None:
    told = shared.get("/v1/info").json()["limits"]
    assert told["max_stored_bytes_per_key"] == 2**20
    assert told["max_queued_per_key"] == 7
    assert told["max_priority"] == 0
    assert told["max_dataset_bytes"] == 2**30


@pytest.mark.parametrize(
    "limits", [{"max_queued_per_key": 1, "max_uploads_per_key": 1}]
)
def test_refusals_name_the_setting(shared: httpx.Client, rows: Rows) -> None:
    headers = key_of("ann")
    jobs = [shared.post("/v1/jobs", json=job(rows), headers=headers) for _ in range(2)]
    uploads = [shared.post("/v1/uploads", headers=headers) for _ in range(2)]
    assert "at most 1 unfinished jobs (max_queued_per_key)" in jobs[1].json()["detail"]
    assert "at most 1 open uploads (max_uploads_per_key)" in uploads[1].json()["detail"]
