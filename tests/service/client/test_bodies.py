"""What goes up: names, kinds and numbers arrive as they were."""

import hashlib
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from kantor.estimator.samples.frames import table_of
from kantor.service.client import KantorClient, bodies
from kantor.service.client.bodies import Batches, Body, arrow_bytes, body_of, digest_of

COLUMNS: dict[str, Any] = {
    "age": [31.5, 44.0, 52.25] * 20,
    "city": ["Ulm", "Bonn", None] * 20,
    "member": [True, False, True] * 20,
    "visits": [1, 2, 3] * 20,
}


def frames() -> dict[str, Any]:
    frame = pd.DataFrame(COLUMNS)
    return {
        "pandas": frame.set_index(pd.Index(range(100, 160))),
        "pandas categories": frame.astype({"city": "category"}),
        "polars": pl.DataFrame(COLUMNS),
        "polars, lazy": pl.LazyFrame(COLUMNS),
        "pyarrow": pa.table(COLUMNS),
        "columns": COLUMNS,
    }


@pytest.mark.parametrize("name", frames())
def test_a_frame_arrives_as_the_table_it_is_in_python(
    live_service: KantorClient, name: str
) -> None:
    frame = frames()[name]
    dataset = live_service.upload_dataset(frame)
    here = table_of("source", frame.collect() if "lazy" in name else frame)
    assert here is not None
    assert dataset.columns is not None
    assert [(c["name"], c["kind"]) for c in dataset.columns] == [
        (column.name, column.kind) for column in here.columns
    ]
    assert dataset.n == 60
    assert live_service.rows(dataset.id, [2])[0]["values"][1] is None


def test_a_column_that_arrow_cannot_hold_is_named() -> None:
    with pytest.raises(ValueError, match="mixed"):
        arrow_bytes(pd.DataFrame({"mixed": [1, "a", {}]}))


def test_a_large_array_is_the_same_dataset_as_in_one_piece(
    live_service: KantorClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    array = np.random.default_rng(0).normal(size=(500, 3))
    np.save(tmp_path / "x.npy", array)
    whole = live_service.upload_dataset(array)
    monkeypatch.setattr(bodies, "BATCH_BYTES", 2000)
    assert isinstance(body_of(array), Batches)
    for samples in (array, tmp_path / "x.npy"):
        assert live_service.upload_dataset(samples).id == whole.id


def test_a_batch_is_told_by_its_digest() -> None:
    encoded = digest_of(b"rows").removeprefix("sha-256=:").removesuffix(":")
    assert b64decode(encoded) == hashlib.sha256(b"rows").digest()


def test_a_file_that_is_missing_is_told_before_anything_is_sent() -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.csv: expected a file"):
        body_of("none.csv")


def test_bytes_go_up_as_what_they_are_said_to_be() -> None:
    body = body_of(b"a,b\n1,2\n", "text/csv")
    assert isinstance(body, Body)
    assert (b"".join(body.blocks()), body.media_type) == (b"a,b\n1,2\n", "text/csv")


def test_names_in_a_structured_array_are_columns(live_service: KantorClient) -> None:
    array = np.zeros(50, dtype=[("a", "f8"), ("b", "i4")])
    columns = live_service.upload_dataset(array).columns
    assert [column["name"] for column in columns or []] == ["a", "b"]


def test_a_large_table_is_the_same_dataset_as_in_one_piece(
    live_service: KantorClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame(COLUMNS).assign(value=np.arange(60.0) ** 2)
    whole = live_service.upload_dataset(frame)
    monkeypatch.setattr(bodies, "BATCH_BYTES", 500)
    assert isinstance(body_of(frame), Batches)
    assert live_service.upload_dataset(frame).id == whole.id
