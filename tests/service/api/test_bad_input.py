"""Each bad input is a problem that names its field, and the server lives on."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

GOOD = [[float(i), float(i % 7)] for i in range(50)]
SIDE = {"samples": GOOD}
UNKNOWN = {"dataset": "ds_" + "0" * 64}


def with_target(samples: Any) -> dict[str, Any]:
    return {"source": SIDE, "target": {"samples": samples}}


def with_config(**config: Any) -> dict[str, Any]:
    return {"source": SIDE, "target": SIDE, "config": config}


def with_value(value: float) -> dict[str, Any]:
    return with_target([*GOOD[:48], [0.0, value], GOOD[49]])


CASES = {
    "dimensions differ": (
        with_target([[1.0, 2.0, 3.0]] * 50), "invalid_samples", "#/target"),
    "ragged": (with_target([[1.0, 2.0], [3.0]] * 20), "invalid_samples", "#/target"),
    "too few": (with_target(GOOD[:39]), "invalid_samples", "#/target"),
    "nan": (with_value(float("nan")), "invalid_samples", "#/target"),
    "infinity": (with_value(float("inf")), "invalid_samples", "#/target"),
    "text": (with_target([["1", "2"]] * 50), "invalid_samples", "#/target"),
    "null": (with_target([[None, 1.0]] * 50), "invalid_samples", "#/target"),
    "boolean": (with_target([[True, 1.0]] * 50), "invalid_request",
                "#/target/samples/0"),
    "three axes": (with_target([[[1.0]]] * 50), "invalid_samples", "#/target"),
    "no samples": ({"source": SIDE}, "invalid_request", "#/target"),
    "neither": ({"source": SIDE, "target": {}}, "invalid_request", "#/target"),
    "unknown field": ({"source": SIDE, "target": SIDE, "lables": {}},
                      "invalid_request", "#/lables"),
    "unknown setting": (with_config(sead=1), "invalid_request", "#/config/sead"),
    "number as text": (with_config(seed="1"), "invalid_request", "#/config/seed"),
    "setting out of range": (with_config(confidence=1.5), "invalid_request",
                             "#/config/confidence"),
    "setting is nan": (with_config(confidence=float("nan")), "invalid_request",
                       "#/config/confidence"),
    "settings that clash": (with_config(width=8, group_size=3), "invalid_config",
                            "#/config/group_size"),
    "bad dataset id": ({"source": SIDE, "target": {"dataset": "../x"}},
                       "invalid_request", "#/target/dataset"),
    "a list": ([], "invalid_request", "#"),
}  # fmt: skip


@pytest.fixture
def checked(api: httpx.Client) -> Iterator[httpx.Client]:
    yield api
    assert api.get("/healthz").status_code == 200


def post(api: httpx.Client, body: str | bytes) -> httpx.Response:
    kind = {"Content-Type": "application/json"}
    return api.post("/v1/jobs", content=body, headers=kind)


@pytest.mark.parametrize(("body", "code", "pointer"), CASES.values(), ids=CASES)
def test_a_wrong_request_says_where(
    checked: httpx.Client, body: Any, code: str, pointer: str
) -> None:
    response = post(checked, json.dumps(body))
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, problem["code"]) == (422, code)
    assert problem["errors"][0]["pointer"] == pointer


def test_nan_is_refused_with_its_position(checked: httpx.Client) -> None:
    problem = post(checked, json.dumps(with_value(float("nan")))).json()
    assert "row 48, column 1" in problem["detail"]


def test_too_few_samples_says_how_many_are_needed(checked: httpx.Client) -> None:
    problem = post(checked, json.dumps(with_target(GOOD[:39]))).json()
    assert "at least 40 samples, got 39" in problem["detail"]


def test_an_unknown_dataset_is_not_found(checked: httpx.Client) -> None:
    problem = post(checked, json.dumps({"source": SIDE, "target": UNKNOWN})).json()
    assert (problem["status"], problem["code"]) == (404, "dataset_not_found")
    assert problem["errors"][0]["pointer"] == "#/target/dataset"


@pytest.mark.parametrize("body", ["{", "[" * 10_000, "", b"\xff", "{'a': 1}"])
def test_what_is_not_json_is_not_understood(
    checked: httpx.Client, body: str | bytes
) -> None:
    response = post(checked, body)
    assert (response.status_code, response.json()["code"]) == (400, "not_understood")


def test_another_content_type_is_named(checked: httpx.Client) -> None:
    response = checked.post(
        "/v1/jobs", content="a", headers={"Content-Type": "text/xml"}
    )
    assert (response.status_code, response.json()["code"]) == (
        415,
        "unsupported_media_type",
    )


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused(checked: httpx.Client, chunked: bool) -> None:
    blocks = (b"x" * 100_000 for _ in range(30))
    kind = {"Content-Type": "application/x-npy"}
    content = blocks if chunked else b"".join(blocks)
    response = checked.post("/v1/datasets", content=content, headers=kind)
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_json_has_a_smaller_limit(checked: httpx.Client) -> None:
    assert post(checked, " " * 1_000_001).json()["code"] == "body_too_large"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("PUT", "/v1/jobs", 405, "method_not_allowed"),
        ("GET", "/v1/jobs/job_" + "0" * 32, 404, "job_not_found"),
        ("GET", "/v1/jobs/..%2f..%2fetc", 404, "not_found"),
        ("GET", "/v1/jobs/nonsense", 422, "invalid_request"),
        ("GET", "/v1/jobs?limit=0", 422, "invalid_request"),
        ("GET", "/v1/datasets/ds_" + "0" * 64, 404, "dataset_not_found"),
    ],
)
def test_the_routers_own_errors_are_problems(
    checked: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    response = checked.request(method, path)
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_an_unreadable_file_names_its_side(checked: httpx.Client) -> None:
    files = {"source": ("x.csv", b"1,2\n" * 50), "target": ("y.npy", b"not npy")}
    problem = checked.post("/v1/jobs", files=files).json()
    assert problem["code"] == "invalid_file"
    assert problem["errors"][0]["pointer"] == "#/target"


def test_the_api_never_loads_torch() -> None:
    program = "import sys, kantor.service.api; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
