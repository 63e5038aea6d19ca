"""Tables through the service: names and kinds from the file to the answer."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from kantor.estimator.samples.frames import table_of
from kantor.estimator.samples.table import Table
from kantor.service.client import Dataset, KantorClient, KantorError, Refused
from kantor.service.store import DatasetStore
from kantor.service.upkeep.backup import _copy_store

QUICK = {"effort": "quick", "steps": 25, "sample_bounds": False}


def frame(seed: int, shift: float = 0.0, n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.normal(40.0 + shift, 10.0, n).round(3),
            "city": rng.choice(["Bonn", "Köln", "Ulm"], n),
            "paid": rng.random(n) < 0.5,
        }
    )


def csv_of(table: pd.DataFrame) -> bytes:
    return bytes(table.to_csv().encode())


def post_csv(service: KantorClient, table: pd.DataFrame) -> Dataset:
    return service.upload_dataset(csv_of(table), media_type="text/csv")


def test_a_job_on_two_tables_speaks_of_columns(live_service: KantorClient) -> None:
    x, y = frame(0), frame(1, shift=30.0)[["paid", "age", "city"]]
    sides = [post_csv(live_service, table) for table in (x, y)]
    assert sides[0]["columns"] == [
        {"name": "Unnamed: 0", "kind": "number"},
        {"name": "age", "kind": "number"},
        {"name": "city", "kind": "text"},
        {"name": "paid", "kind": "boolean"},
    ]
    request = {
        "source": {"dataset": sides[0]["id"]},
        "target": {"dataset": sides[1]["id"]},
        "config": QUICK | {"category_weights": {"city": 2.0}, "columns": "common"},
    }
    queued = live_service.request("POST", "/v1/jobs", json=request)
    job = live_service.wait(queued["id"], timeout_s=300)
    assert job["status"] == "succeeded", job["error"]
    result = job["result"]
    assert "'Unnamed: 0' was left out" in result["warnings"][0]
    assert result["differences"]["attribution"][0]["column"] == "age"
    extreme = result["differences"]["target_extremes"][0]
    assert extreme["sample"]["age"] == y["age"].iloc[extreme["row"]]
    assert extreme["sample"]["city"] == y["city"].iloc[extreme["row"]]
    assert [item["column"] for item in result["by_column"]] == ["age", "city", "paid"]
    scores = f"/v1/jobs/{job['id']}/scores"
    columns = {"age": [30.0, None], "city": ["Ulm", "Ulm"], "paid": [True, True]}
    scored = live_service.request("POST", scores, json={"columns": columns})["scores"]
    assert isinstance(scored[0], float)
    assert scored[1] is None
    whole = live_service.request("POST", scores, json={"dataset": sides[1]["id"]})
    assert len(whole["scores"]) == 300
    with pytest.raises(KantorError, match="expected a table with the columns"):
        live_service.request("POST", scores, json={"samples": [[1.0, 2.0, 3.0]]})


def test_what_cannot_be_compared_is_refused_by_name(
    live_service: KantorClient,
) -> None:
    x = post_csv(live_service, frame(0))
    y = post_csv(live_service, frame(1).rename(columns={"city": "town"}))
    request = {"source": {"dataset": x["id"]}, "target": {"dataset": y["id"]}}
    with pytest.raises(Refused, match="'city' is missing, 'town' is there besides"):
        live_service.request("POST", "/v1/jobs", json=request)


def test_the_id_of_a_table_covers_names_and_kinds(tmp_path: Any) -> None:
    store = DatasetStore(tmp_path)
    values = np.random.default_rng(0).normal(size=(50, 2))

    def named(*names: str) -> Table:
        table = table_of("source", dict(zip(names, values.T, strict=True)))
        assert table is not None
        return table

    plain, ab, ba = store.put_array(values), named("a", "b"), named("b", "a")
    infos = [store.put_table(table) for table in (ab, ba, ab)]
    assert infos[0].id == infos[2].id
    assert len({plain.id, infos[0].id, infos[1].id}) == 3
    found = store.open(infos[0].id)
    assert isinstance(found, Table)
    assert found.names == ("a", "b")
    assert np.array_equal(found.values, values)
    assert isinstance(store.open(plain.id), np.ndarray)
    assert store.delete(infos[0].id)
    assert len(list(tmp_path.rglob("*.names"))) == 1


def test_gaps_of_a_table_are_stored_as_they_are(tmp_path: Any) -> None:
    table = table_of("source", {"a": [1.0, None, 0.1] * 20, "b": ["x", None, "y"] * 20})
    assert table is not None
    store = DatasetStore(tmp_path)
    found = store.open(store.put_table(table).id)
    assert isinstance(found, Table)
    assert np.array_equal(found.values, table.values, equal_nan=True)
    assert found.columns == table.columns


def test_batches_without_an_index_are_appended(live_service: KantorClient) -> None:
    upload = live_service.request("POST", "/v1/uploads")
    path = f"/v1/uploads/{upload['id']}/batches"
    rows = np.random.default_rng(3).normal(size=(90, 2))
    for start in range(0, 90, 30):
        batch = rows[start : start + 30].tolist()
        found = live_service.request("POST", path, json={"samples": batch})
        assert found["index"] == start // 30
    info = live_service.request("POST", f"/v1/uploads/{upload['id']}/complete")
    assert info["id"] == live_service.upload_dataset(rows)["id"]


def test_settings_of_columns_are_checked_at_the_door(
    live_service: KantorClient,
) -> None:
    side = {"samples": [[0.0]] * 50}
    for config in ({"drop": "a"}, {"drop": [1]}, {"category_weights": {"a": "1"}}):
        request = {"source": side, "target": side, "config": config}
        with pytest.raises(KantorError) as refused:
            live_service.request("POST", "/v1/jobs", json=request)
        assert refused.value.problem["status"] == 422


def test_a_backup_has_the_names_of_a_table(tmp_path: Any) -> None:
    table = table_of("source", {"a": np.arange(50.0), "b": ["x", "y"] * 25})
    assert table is not None
    info = DatasetStore(tmp_path / "given").put_table(table)
    copied = _copy_store(tmp_path / "given", tmp_path / "kept", "")
    assert (copied.files, copied.damaged) == (1, [])
    found = DatasetStore(tmp_path / "kept").open(info.id)
    assert isinstance(found, Table)
    assert found.names == ("a", "b")
