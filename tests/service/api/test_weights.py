"""Weights of samples, as a list, a dataset or a file; what is refused, and where."""

from typing import Any

import httpx
import numpy as np
import pytest

Rows = list[list[float]]

ONES = [1.0] * 50


def submit(api: httpx.Client, rows: Rows, weights: Any, **more: Any) -> httpx.Response:
    body = {
        "source": {"samples": rows, "weights": weights},
        "target": {"samples": rows},
    }
    return api.post("/v1/jobs", json=body, **more)


def dataset_of(api: httpx.Client, array: Any) -> str:
    text = "\n".join(",".join(map(str, np.atleast_1d(row))) for row in array)
    headers = {"Content-Type": "text/csv"}
    return str(api.post("/v1/datasets", content=text, headers=headers).json()["id"])


def test_a_list_of_weights_becomes_a_dataset(api: httpx.Client, rows: Rows) -> None:
    weights = np.arange(50.0)
    job = submit(api, rows, weights.tolist()).json()
    assert job["source"]["weights"] == dataset_of(api, weights)
    assert job["target"]["weights"] is None


def test_weights_may_be_a_dataset(api: httpx.Client, rows: Rows) -> None:
    stored = dataset_of(api, np.arange(50.0))
    job = submit(api, rows, {"dataset": stored}).json()
    assert job["source"]["weights"] == stored


def test_weights_may_be_a_file(api: httpx.Client, rows: Rows) -> None:
    text = "\n".join(",".join(map(str, row)) for row in rows)
    files = {name: (f"{name}.csv", text) for name in ("source", "target")}
    files["target_weights"] = ("w.csv", "\n".join(map(str, ONES)))
    job = api.post("/v1/jobs", files=files).json()
    assert job["target"]["weights"] == dataset_of(api, ONES)


def test_null_weighs_all_alike(api: httpx.Client, rows: Rows) -> None:
    assert submit(api, rows, None).json()["source"]["weights"] is None


@pytest.mark.parametrize(
    ("weights", "detail"),
    [
        ([1.0] * 49, "expected 50 numbers, one per sample, got dtype float64 of"),
        ([0.0] * 50, "expected a weight above 0, got only zeros"),
        ([*ONES[1:], -1.0], "expected finite weights >= 0, got -1.0 at row 49"),
        ([[1.0]] * 50, "expected 50 numbers, one per sample"),
        (["a"] * 50, "expected 50 numbers, one per sample"),
    ],
)
def test_bad_weights_are_pointed_at(
    api: httpx.Client, rows: Rows, weights: Any, detail: str
) -> None:
    refused = submit(api, rows, weights)
    [error] = refused.json()["errors"]
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_samples")
    assert error["pointer"] == "#/source/weights"
    assert detail in error["detail"]


@pytest.mark.parametrize(
    ("weights", "pointer", "code"),
    [
        ("heavy", "#/source/weights", "invalid_request"),
        ([True] * 50, "#/source/weights/0", "invalid_request"),
        ({"dataset": "x"}, "#/source/weights/dataset", "invalid_request"),
        (
            {"dataset": "ds_" + "0" * 64},
            "#/source/weights/dataset",
            "dataset_not_found",
        ),
    ],
)
def test_what_are_no_weights_is_pointed_at(
    api: httpx.Client, rows: Rows, weights: Any, pointer: str, code: str
) -> None:
    problem = submit(api, rows, weights).json()
    assert problem["code"] == code
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_a_dataset_of_weights_has_one_column(api: httpx.Client, rows: Rows) -> None:
    problem = submit(api, rows, {"dataset": dataset_of(api, rows)}).json()
    assert problem["errors"] == [
        {
            "pointer": "#/source/weights",
            "detail": "expected one column of weights, got 2",
        }
    ]


def test_a_bad_file_of_weights_is_named(api: httpx.Client, rows: Rows) -> None:
    text = "\n".join(",".join(map(str, row)) for row in rows)
    files = {name: (f"{name}.csv", text) for name in ("source", "target")}
    problem = api.post("/v1/jobs", files=files | {"source_weights": files["source"]})
    [error] = problem.json()["errors"]
    assert error["pointer"] == "#/source_weights"


def test_an_idempotency_key_stands_for_the_weights_too(
    api: httpx.Client, rows: Rows
) -> None:
    key = {"Idempotency-Key": "weighted"}
    first = submit(api, rows, ONES, headers=key).json()
    assert submit(api, rows, ONES, headers=key).json()["id"] == first["id"]
    other = submit(api, rows, [2.0, *ONES[1:]], headers=key)
    assert other.json()["code"] == "idempotency_conflict"
