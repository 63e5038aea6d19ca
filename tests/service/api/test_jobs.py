import io
import json
import re
from dataclasses import Field, fields
from typing import Any

import httpx
import numpy as np
import pytest
import redis

from kantor.estimator.config import EstimateConfig
from kantor.service.api.routes import jobs
from kantor.service.settings import Settings

Rows = list[list[float]]


def npy_bytes(rows: Rows) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array(rows))
    return buffer.getvalue()


def submit(api: httpx.Client, rows: Rows, **extra: Any) -> dict[str, Any]:
    body = {"source": {"samples": rows}, "target": {"samples": rows}} | extra
    response = api.post("/v1/jobs", json=body)
    assert response.status_code == 202, response.text
    document: dict[str, Any] = response.json()
    return document


def test_an_accepted_job_is_queued_and_located(api: httpx.Client, rows: Rows) -> None:
    response = api.post(
        "/v1/jobs", json={"source": {"samples": rows}, "target": {"samples": rows}}
    )
    job = response.json()
    assert response.status_code == 202
    assert response.headers["location"] == job["links"]["self"]
    assert re.fullmatch(r"job_[0-9a-f]{32}", job["id"])
    assert (job["status"], job["queue_position"]) == ("queued", 0)


def test_small_jobs_of_one_kind_share_a_bucket(
    api: httpx.Client, rows: Rows, client: redis.Redis, settings: Settings
) -> None:
    def bucket(**config: Any) -> str:
        job = submit(api, rows, config=config, cache=False)
        key = "{" + settings.key_prefix + "}:job:" + job["id"]
        return str(client.hget(key, "bucket"))

    assert bucket(seed=1) == bucket(seed=2) != ""
    assert bucket(seed=1) != bucket(seed=1, effort="quick")


def test_every_door_gives_equal_data_one_dataset(api: httpx.Client, rows: Rows) -> None:
    inline = submit(api, rows)["source"]["dataset"]
    csv = "\n".join(",".join(map(repr, row)) for row in rows)
    files = {"source": ("x.npy", npy_bytes(rows)), "target": ("y.csv", csv.encode())}
    form = api.post("/v1/jobs", files=files, data={"config": '{"seed": 3}'}).json()
    assert form["source"]["dataset"] == form["target"]["dataset"] == inline
    assert form["config"]["seed"] == 3


def test_a_job_may_refer_to_uploaded_datasets(api: httpx.Client, rows: Rows) -> None:
    kind = {"Content-Type": "application/x-npy"}
    dataset = api.post("/v1/datasets", content=npy_bytes(rows), headers=kind).json()
    side = {"dataset": dataset["id"]}
    response = api.post("/v1/jobs", json={"source": side, "target": side})
    assert response.status_code == 202
    expected = side | {"n": 50, "dim": 2, "weights": None, "reference": None}
    assert response.json()["source"] == expected


def test_an_unchanged_job_is_not_sent_again(api: httpx.Client, rows: Rows) -> None:
    own = submit(api, rows)["links"]["self"]
    tag = api.get(own).headers["etag"]
    assert api.get(own, headers={"If-None-Match": tag}).status_code == 304


def test_cancel_works_in_every_state_and_repeats(api: httpx.Client, rows: Rows) -> None:
    job = submit(api, rows)
    first, second = (api.post(job["links"]["cancel"]) for _ in range(2))
    assert first.status_code == second.status_code == 200
    assert first.json()["status"] == second.json()["status"] == "cancelled"


def test_a_deleted_job_is_gone(api: httpx.Client, rows: Rows) -> None:
    own = submit(api, rows)["links"]["self"]
    assert api.delete(own).status_code == 204
    assert api.get(own).json()["code"] == "job_not_found"
    assert api.delete(own).status_code == 204


def test_an_idempotency_key_stands_for_one_job(api: httpx.Client, rows: Rows) -> None:
    body = {"source": {"samples": rows}, "target": {"samples": rows}}
    key = {"Idempotency-Key": "once"}
    first, again = (api.post("/v1/jobs", json=body, headers=key) for _ in range(2))
    other = api.post("/v1/jobs", json=body | {"priority": 1}, headers=key)
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    assert other.json()["code"] == "idempotency_conflict"


def test_pages_follow_signed_cursors_only(api: httpx.Client, rows: Rows) -> None:
    ids = [submit(api, rows, labels={"run": "a"})["id"] for _ in range(3)]
    first = api.get("/v1/jobs", params={"limit": 2, "label": "run:a"}).json()
    cursor = first["next_cursor"]
    rest = api.get("/v1/jobs", params={"limit": 2, "cursor": cursor}).json()
    assert [job["id"] for job in first["data"] + rest["data"]] == ids[::-1]
    forged = api.get("/v1/jobs", params={"cursor": cursor[:-4] + "AAAA"})
    assert forged.json()["errors"][0]["parameter"] == "cursor"


def test_a_list_goes_on_past_a_job_deleted_meanwhile(
    api: httpx.Client,
    rows: Rows,
    client: redis.Redis,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "_PAGE", 2)
    ids = [submit(api, rows)["id"] for _ in range(4)]
    client.delete("{" + settings.key_prefix + "}:job:" + ids[2])  # after the index
    listed = api.get("/v1/jobs").json()["data"]
    assert [job["id"] for job in listed] == [ids[3], ids[1], ids[0]]


def test_waiting_is_bounded(api: httpx.Client, rows: Rows) -> None:
    body = {"source": {"samples": rows}, "target": {"samples": rows}}
    response = api.post("/v1/jobs", json=body, headers={"Prefer": "wait=1"})
    assert response.status_code == 202
    assert response.headers["preference-applied"] == "wait=1"
    assert 0.9 < response.elapsed.total_seconds() < 5


def test_events_end_with_the_job_and_resume(api: httpx.Client, rows: Rows) -> None:
    links = submit(api, rows)["links"]
    api.post(links["cancel"])
    whole = api.get(links["events"])
    names = re.findall(r"^event: (\w+)$", whole.text, re.MULTILINE)
    first_id = re.findall(r"^id: (.+)$", whole.text, re.MULTILINE)[0]
    rest = api.get(links["events"], headers={"Last-Event-ID": first_id}).text
    assert names == ["queued", "cancelled"]
    assert "event: queued" not in rest
    assert "event: cancelled" in rest


def test_a_curve_comes_in_every_format(api: httpx.Client, rows: Rows) -> None:
    curve = submit(api, rows)["links"]["curve"]
    starts = {"json": b"{", "csv": b"step,", "png": b"\x89PNG", "svg": b"<?xml"}
    for form, start in starts.items():
        assert api.get(curve, params={"format": form}).content.startswith(start)


def test_the_document_describes_every_setting(api: httpx.Client) -> None:
    schemas = api.get("/openapi.json").json()["components"]["schemas"]
    described = schemas["EstimateConfig"]["properties"]
    declared = {item.name: item for item in fields(EstimateConfig)}
    assert described.keys() == declared.keys()
    for name, item in declared.items():
        assert described[name]["description"] == item.metadata["meaning"]
        assert described[name].get("default") == default_of(item)
        for bound, limit in item.metadata["bounds"].items():
            assert bounds_of(described[name])[BOUNDS[bound]] == limit
    assert json.dumps(schemas).count("#/components/schemas/JobRequest") == 0


BOUNDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
}


def default_of(item: Field[Any]) -> Any:
    return json.loads(json.dumps(item.default))


def bounds_of(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what a schema says, or the branch of it that is not null."""
    branches = [b for b in schema.get("anyOf", []) if b != {"type": "null"}]
    return branches[0] if branches else schema
