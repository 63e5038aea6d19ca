import io
from typing import Any

import httpx
import numpy as np
import pytest

from kantor.service.settings import Settings

Rows = list[list[float]]


def dataset(api: httpx.Client, text: str) -> str:
    kind = {"Content-Type": "text/csv"}
    answer = api.post("/v1/datasets", content=text.encode(), headers=kind)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def csv(seed: int, names: str = "a,b") -> str:
    rows = np.random.default_rng(seed).normal(size=(60, names.count(",") + 1))
    text = io.StringIO()
    np.savetxt(text, rows, delimiter=",", header=names, comments="")
    return text.getvalue()


def named(api: httpx.Client, name: str, seed: int) -> dict[str, Any]:
    body = {"dataset": dataset(api, csv(seed))}
    answer = api.put(f"/v1/references/{name}", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_name_has_its_newest_dataset_and_its_history(api: httpx.Client) -> None:
    first = named(api, "baseline", 1)
    second = named(api, "baseline", 2)
    assert api.get("/v1/references/baseline").json() == second
    assert [version["dataset"] for version in second["versions"]] == [
        second["dataset"],
        first["dataset"],
    ]
    assert api.get("/v1/references").json() == {"data": [second]}


def test_a_batch_is_compared_with_what_the_name_stands_for(api: httpx.Client) -> None:
    reference = named(api, "baseline", 1)
    batch = dataset(api, csv(3, "b,a"))
    body = {"source": {"reference": "baseline"}, "target": {"dataset": batch}}
    job = api.post("/v1/jobs", json=body).json()
    assert job["source"]["dataset"] == reference["dataset"]
    assert job["source"]["reference"] == "baseline"
    assert job["target"]["reference"] is None
    assert api.get(f"/v1/jobs/{job['id']}").json()["source"] == job["source"]


def test_a_file_is_compared_with_a_reference_in_one_request(api: httpx.Client) -> None:
    reference = named(api, "baseline", 1)
    file = {"target": ("batch.csv", csv(4).replace(",", ";"))}
    form = {
        "source": '{"reference": "baseline"}',
        "reading": '{"delimiter": ";"}',
    }
    job = api.post("/v1/jobs", files=file, data=form).json()
    assert job["source"]["dataset"] == reference["dataset"]
    assert (job["target"]["n"], job["target"]["dim"]) == (60, 2)


def test_a_retried_submission_is_the_same_after_the_name_has_moved(
    api: httpx.Client,
) -> None:
    named(api, "baseline", 1)
    batch = dataset(api, csv(3))
    body = {"source": {"reference": "baseline"}, "target": {"dataset": batch}}
    key = {"Idempotency-Key": "once"}
    job = api.post("/v1/jobs", json=body, headers=key).json()
    named(api, "baseline", 2)
    again = api.post("/v1/jobs", json=body, headers=key)
    assert again.json()["id"] == job["id"]
    assert api.post("/v1/jobs", json=body).json()["id"] != job["id"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/v1/references/none", None, 404, "reference_not_found"),
        ("DELETE", "/v1/references/none", None, 404, "reference_not_found"),
        ("GET", "/v1/references/..%2Fup", None, 404, "not_found"),
        ("GET", "/v1/references/.hidden", None, 422, "invalid_request"),
        ("PUT", "/v1/references/x", {"dataset": "ds_1"}, 422, "invalid_request"),
        ("PUT", "/v1/references/x", {"dataset": "ds_" + "0" * 64}, 404,
         "dataset_not_found"),
        ("PUT", "/v1/references/x", {"samples": []}, 422, "invalid_request"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    api: httpx.Client, method: str, path: str, body: Any, status: int, code: str
) -> None:
    answer = api.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_unknown_name_is_pointed_at(api: httpx.Client, rows: Rows) -> None:
    body = {"source": {"samples": rows}, "target": {"reference": "none"}}
    problem = api.post("/v1/jobs", json=body).json()
    assert problem["code"] == "reference_not_found"
    assert problem["errors"][0]["pointer"] == "#/target/reference"


def test_a_dataset_with_a_name_is_not_deleted(api: httpx.Client) -> None:
    found = named(api, "baseline", 1)
    path = f"/v1/datasets/{found['dataset']}"
    assert api.delete(path).json()["code"] == "dataset_in_use"
    assert api.delete("/v1/references/baseline").status_code == 204
    assert api.delete(path).status_code == 204


def test_tables_that_do_not_match_are_refused_at_once(api: httpx.Client) -> None:
    named(api, "baseline", 1)
    other = dataset(api, csv(3, "a,c"))
    body = {"source": {"reference": "baseline"}, "target": {"dataset": other}}
    answer = api.post("/v1/jobs", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_samples")
    assert "'b' is missing, 'c' is there besides" in answer.json()["detail"]
    chosen = body | {"config": {"columns": ["common"]}}
    assert api.post("/v1/jobs", json=chosen).status_code == 202


def test_settings_of_columns_are_refused_where_there_are_no_names(
    api: httpx.Client, rows: Rows
) -> None:
    sides = {"source": {"samples": rows}, "target": {"samples": rows}}
    problem = api.post("/v1/jobs", json=sides | {"config": {"drop": ["a"]}}).json()
    assert problem["code"] == "invalid_config"
    assert problem["errors"][0]["pointer"] == "#/config/drop"


def test_the_sweep_leaves_what_has_a_name(
    api: httpx.Client, api_settings: Settings, client: Any
) -> None:
    from kantor.service.worker.sweeper import sweep

    found = named(api, "baseline", 1)
    other = dataset(api, csv(9))
    sweep(client, api_settings.model_copy(update={"dataset_ttl_s": -1.0}))
    assert api.get(f"/v1/datasets/{found['dataset']}").status_code == 200
    assert api.get(f"/v1/datasets/{other}").status_code == 404
