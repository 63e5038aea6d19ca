from typing import Any

import httpx
import numpy as np
import pytest

from kantor.service.api.routes import rows as route


@pytest.fixture
def dataset(api: httpx.Client, rows: list[list[float]]) -> str:
    sides = {"source": {"samples": rows}, "target": {"samples": rows}}
    job: dict[str, Any] = api.post("/v1/jobs", json=sides).json()
    return str(job["source"]["dataset"])


def test_rows_are_those_that_were_given(
    api: httpx.Client, dataset: str, rows: list[list[float]]
) -> None:
    path = f"/v1/datasets/{dataset}/rows"
    document = api.get(path, params={"row": [31, 7]}).json()
    assert (document["n"], document["dim"]) == (50, 2)
    assert [item["row"] for item in document["rows"]] == [31, 7]
    given = [item["values"] for item in document["rows"]]
    np.testing.assert_array_equal(given, [rows[31], rows[7]])


def test_without_places_the_first_five_come(api: httpx.Client, dataset: str) -> None:
    document = api.get(f"/v1/datasets/{dataset}/rows").json()
    assert [item["row"] for item in document["rows"]] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("row", [50, -1, 10**30, "x"])
def test_a_row_that_is_not_there_is_refused(
    api: httpx.Client, dataset: str, row: object
) -> None:
    response = api.get(f"/v1/datasets/{dataset}/rows", params={"row": str(row)})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


def test_an_answer_is_bounded_whatever_the_width(
    api: httpx.Client, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "MOST_VALUES", 5)
    document = api.get(f"/v1/datasets/{dataset}/rows").json()
    assert document["dim"] == 2
    assert [len(item["values"]) for item in document["rows"]] == [1] * 5


def test_an_unknown_dataset_is_not_found(api: httpx.Client) -> None:
    response = api.get(f"/v1/datasets/ds_{'0' * 64}/rows")
    assert response.json()["code"] == "dataset_not_found"
