import asyncio
import base64
import cProfile
import hashlib
import io
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from kantor.service.api import uploads
from kantor.service.api.uploads import UploadStore
from kantor.service.decoding import Limits
from kantor.service.store import DatasetStore

Rows = list[list[float]]


def npy_bytes(rows: Rows) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array(rows))
    return buffer.getvalue()


@pytest.fixture
def upload(api: httpx.Client) -> str:
    response = api.post("/v1/uploads")
    assert response.status_code == 201
    return response.headers["location"]


def send(
    api: httpx.Client, upload: str, index: int, rows: Rows, **headers: str
) -> httpx.Response:
    kind = {"Content-Type": "application/x-npy"} | headers
    params = {"index": index}
    content = npy_bytes(rows)
    path = f"{upload}/batches"
    return api.post(path, params=params, content=content, headers=kind)


def test_batches_in_any_order_become_the_dataset_of_the_whole(
    api: httpx.Client, upload: str, rows: Rows
) -> None:
    send(api, upload, 1, rows[30:])
    json = {"samples": rows[:30]}
    api.post(f"{upload}/batches", params={"index": 0}, json=json)
    assert [b["n"] for b in api.get(upload).json()["batches"]] == [30, 20]
    joined = api.post(f"{upload}/complete").json()
    kind = {"Content-Type": "application/x-npy"}
    whole = api.post("/v1/datasets", content=npy_bytes(rows), headers=kind).json()
    assert joined["id"] == whole["id"]
    assert api.get(upload).json()["code"] == "upload_not_found"


def test_completing_can_be_repeated(api: httpx.Client, upload: str, rows: Rows) -> None:
    send(api, upload, 0, rows)
    first, again = (api.post(f"{upload}/complete") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["location"] == first.headers["location"]
    late = send(api, upload, 1, rows)
    assert (late.status_code, late.json()["code"]) == (404, "upload_not_found")


def test_those_who_complete_at_once_get_the_same(
    api: httpx.Client, upload: str, rows: Rows
) -> None:
    for index in range(20):
        send(api, upload, index, rows)
    with ThreadPoolExecutor(4) as pool:
        complete = str(api.base_url.join(f"{upload}/complete"))
        answers = list(pool.map(httpx.post, [complete] * 4))
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_a_repeated_batch_counts_once(
    api: httpx.Client, upload: str, rows: Rows
) -> None:
    first, again = (send(api, upload, 0, rows) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = send(api, upload, 0, rows[:-1])
    assert (other.status_code, other.json()["code"]) == (409, "batch_conflict")


def test_a_missing_batch_is_named(api: httpx.Client, upload: str, rows: Rows) -> None:
    send(api, upload, 1, rows)
    problem = api.post(f"{upload}/complete").json()
    assert problem["detail"] == "expected batches 0 to 0, missing [0]"


def test_a_damaged_batch_is_refused(api: httpx.Client, upload: str, rows: Rows) -> None:
    digest = base64.b64encode(hashlib.sha256(npy_bytes(rows)).digest()).decode()
    header = {"Content-Digest": f"sha-256=:{digest}:"}
    assert send(api, upload, 0, rows, **header).status_code == 201
    assert send(api, upload, 1, rows[1:], **header).json()["code"] == "digest_mismatch"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"samples": [[1.0]]}, "#/samples"), ({"samples": [[None, 1]]}, "#/samples")],
)
def test_a_batch_must_fit(
    api: httpx.Client, upload: str, rows: Rows, body: dict[str, Any], pointer: str
) -> None:
    send(api, upload, 0, rows)
    response = api.post(f"{upload}/batches", params={"index": 1}, json=body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer


def test_too_small_a_whole_is_refused(
    api: httpx.Client, upload: str, rows: Rows
) -> None:
    send(api, upload, 0, rows[:39])
    assert "at least 40" in api.post(f"{upload}/complete").json()["detail"]


def test_a_dropped_upload_is_gone(api: httpx.Client, upload: str) -> None:
    assert api.delete(upload).status_code == 204
    assert api.get(upload).status_code == 404


def test_a_batch_costs_the_same_however_many_there_are(tmp_path: Path) -> None:
    store = UploadStore(tmp_path, DatasetStore(tmp_path))
    upload = store.start("")
    folder = tmp_path / "uploads" / upload.id
    batch = np.ones((1, 1))
    store.add(upload, 0, batch, Limits())
    few = calls_of(lambda: store.add(upload, 1, batch, Limits()))
    for index in range(2, 300):
        store.add(upload, index, batch, Limits())
    many = calls_of(lambda: store.add(upload, 300, batch, Limits()))
    assert many <= 1.2 * few
    (folder / "arrived.json").unlink()  # what was noted is made again
    assert store.add(upload, None, batch, Limits())[0].index == 301
    assert store.add(upload, 0, batch, Limits()) == (store.batches(upload)[0], False)


def calls_of(action: Callable[[], object]) -> int:
    """Count the calls that an action makes, in Python and of C."""
    profile = cProfile.Profile()
    profile.runcall(action)
    return sum(entry.callcount for entry in profile.getstats())


def test_a_batch_whose_writer_was_killed_can_be_sent_again(tmp_path: Path) -> None:
    store = UploadStore(tmp_path, DatasetStore(tmp_path))
    upload = store.start("")
    batch, _ = store.add(upload, 3, np.ones((2, 1)), Limits())
    (tmp_path / "uploads" / upload.id / batch.name).unlink()
    assert store.add(upload, 3, np.ones((2, 1)), Limits()) == (batch, True)
    assert store.batches(upload) == [batch]


def test_outcomes_are_forgotten_first_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_REMEMBERED", 2)
    store = UploadStore(tmp_path, DatasetStore(tmp_path))
    ids = []
    for age in (30, 20, 10):
        upload = store.start("ann")
        store.add(upload, 0, np.ones((40, 1)), Limits())
        dataset = store.complete(upload).id
        ids.append(upload.id)
        if outcome := next(tmp_path.glob(f"uploads/completed/*/{upload.id}"), None):
            os.utime(outcome, (time.time() - age, time.time() - age))
    assert [store.outcome("ann", i) for i in ids] == [None, dataset, dataset]
    assert store.outcome("bob", ids[2]) is None
    monkeypatch.setattr(uploads, "LIFE_S", 15.0)
    store.sweep()
    assert [store.outcome("ann", i) for i in ids] == [None, None, dataset]


def test_batches_are_removed_outside_the_event_loop(
    api: httpx.Client, upload: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops: list[asyncio.AbstractEventLoop | None] = []
    remove = shutil.rmtree

    def watched(path: Path, *, ignore_errors: bool) -> None:
        loops.append(asyncio._get_running_loop())
        remove(path, ignore_errors=ignore_errors)

    monkeypatch.setattr("kantor.service.api.uploads.shutil.rmtree", watched)
    assert api.delete(upload).status_code == 204
    assert loops == [None]


def csv_batch(
    api: httpx.Client, upload: str, text: str, **params: str
) -> httpx.Response:
    kind = {"Content-Type": "text/csv"}
    path = f"{upload}/batches"
    return api.post(path, params=params, content=text.encode(), headers=kind)


def table_text(names: str, rows: Rows, kinds: list[str]) -> str:
    lines = [
        ",".join([*map(str, row), kind]) for row, kind in zip(rows, kinds, strict=True)
    ]
    return "\n".join([names, *lines]) + "\n"


def test_batches_of_a_table_become_the_table(
    api: httpx.Client, upload: str, rows: Rows
) -> None:
    kinds = ["red", "blue"] * 10 + ["green"] * 30
    assert csv_batch(api, upload, table_text("a,b,c", rows[:20], kinds[:20])).is_success
    columns = {
        "c": kinds[20:],
        "a": [row[0] for row in rows[20:]],
        "b": [row[1] for row in rows[20:]],
    }
    assert api.post(f"{upload}/batches", json={"columns": columns}).is_success
    joined = api.post(f"{upload}/complete").json()
    kind = {"Content-Type": "text/csv"}
    text = table_text("a,b,c", rows, kinds).encode()
    whole = api.post("/v1/datasets", content=text, headers=kind).json()
    assert joined["columns"] == whole["columns"]
    seen = [
        api.get(f"/v1/datasets/{found['id']}/rows", params={"row": [0, 19, 20, 49]})
        for found in (joined, whole)
    ]
    assert seen[0].json() == seen[1].json()
    assert joined["id"] == whole["id"]


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("a,c\n1,2\n3,4\n", "'b' is missing, 'c' is there besides"),
        ("1.5,2\n3,4\n", "expected a table as batch 0, got an array"),
    ],
)
def test_a_batch_of_a_table_has_the_same_names(
    api: httpx.Client, upload: str, text: str, detail: str
) -> None:
    assert csv_batch(api, upload, "a,b\n1,2\n3,4\n").is_success
    problem = csv_batch(api, upload, text).json()
    assert problem["code"] == "invalid_samples"
    assert detail in problem["detail"]


def test_a_column_of_two_kinds_is_named(api: httpx.Client, upload: str) -> None:
    numbers = "\n".join(["a,b", *["1,2"] * 30])
    words = "\n".join(["a,b", *["1,x"] * 30])
    assert csv_batch(api, upload, numbers).is_success
    assert csv_batch(api, upload, words).is_success
    problem = api.post(f"{upload}/complete").json()
    assert problem["code"] == "invalid_samples"
    assert "of one kind in column 'b'" in problem["detail"]


def test_a_reader_can_be_told_how_a_batch_is_written(
    api: httpx.Client, upload: str
) -> None:
    text = "\n".join(["1,5;2", *["2,5;4"] * 60])
    said = {"delimiter": ";", "decimal": ",", "header": "no"}
    batch = csv_batch(api, upload, text, **said)
    assert (batch.json()["n"], batch.json()["dim"]) == (61, 2)
    refused = csv_batch(api, upload, text, delimiter="ab")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["parameter"] == "delimiter"
