"""Several API processes are one service: what one has given, another takes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kantor.service.cli.demonstration import free_port
from kantor.service.settings import Settings, environment

Rows = list[list[float]]
Pair = tuple[httpx.Client, httpx.Client]
PATIENCE_S = 60.0


@pytest.fixture
def pair(api_settings: Settings, serving: Any) -> Iterator[Pair]:
    """Serve twice from the same settings, as two processes would."""
    with serving(api_settings) as (_, one), serving(api_settings) as (_, other):
        yield one, other


def job(rows: Rows) -> dict[str, Any]:
    return {"source": {"samples": rows}, "target": {"samples": rows}}


def test_a_cursor_of_one_leads_on_in_the_other(pair: Pair, rows: Rows) -> None:
    one, other = pair
    ids = [one.post("/v1/jobs", json=job(rows)).json()["id"] for _ in range(2)]
    first = one.get("/v1/jobs", params={"limit": 1}).json()
    params = {"limit": 1, "cursor": first["next_cursor"]}
    second = other.get("/v1/jobs", params=params).json()
    assert [p["data"][0]["id"] for p in (first, second)] == ids[::-1]


def test_an_idempotency_key_holds_in_both(pair: Pair, rows: Rows) -> None:
    key = {"Idempotency-Key": "same"}
    answers = [api.post("/v1/jobs", json=job(rows), headers=key) for api in pair]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert "idempotency-replayed" in answers[1].headers


def test_an_upload_is_continued_and_completed_by_the_other(
    pair: Pair, rows: Rows
) -> None:
    one, other = pair
    path = f"/v1/uploads/{one.post('/v1/uploads').json()['id']}"
    for index, api in enumerate((other, one)):
        batch = {"samples": rows}
        sent = api.post(f"{path}/batches", params={"index": index}, json=batch)
        assert sent.status_code == 201
    assert other.post(f"{path}/complete").json()["n"] == 2 * len(rows)


def test_a_dataset_deleted_by_one_and_stored_again_is_new_to_the_other(
    pair: Pair, rows: Rows
) -> None:
    one, other = pair
    dataset = one.post("/v1/jobs", json=job(rows)).json()["source"]["dataset"]
    path = f"/v1/datasets/{dataset}"
    made_at = other.get(path).json()["created_at"]
    assert one.delete(path).status_code == 204
    assert other.get(path).status_code == 404
    one.post("/v1/jobs", json=job(rows))
    assert other.get(path).json()["created_at"] > made_at


class TestRates:
    @pytest.fixture
    def api_settings(self, settings: Settings) -> Settings:
        limits = {"rate_per_minute": 1.0, "rate_burst": 2}
        return settings.model_copy(update=limits)

    def test_both_spend_from_one_rate(self, pair: Pair) -> None:
        one, other = pair
        answers = [api.get("/v1/jobs").status_code for api in (one, other, one, other)]
        assert answers == [200, 200, 429, 429]


@pytest.fixture
def standalone(api_settings: Settings) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run `kantor api` with two processes; yield its address and it."""
    port = free_port()
    changes = {"port": port, "api_processes": 2}
    variables = environment(
        Settings.model_validate(api_settings.model_dump() | changes)
    )
    command = [sys.executable, "-m", "kantor.service.cli", "api"]
    with subprocess.Popen(command, env=os.environ | variables) as process:
        yield f"http://127.0.0.1:{port}", process
        process.kill()


def children(pid: int) -> list[int]:
    return [
        int(child)
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ]


def test_open_streams_end_when_the_processes_are_stopped(
    standalone: tuple[str, subprocess.Popen[bytes]], rows: Rows
) -> None:
    url, process = standalone
    retrying = httpx.HTTPTransport(retries=10)
    with httpx.Client(base_url=url, timeout=PATIENCE_S, transport=retrying) as client:
        followed = client.post("/v1/jobs", json=job(rows)).json()["links"]["events"]
        with client.stream("GET", followed) as stream:
            events = stream.iter_lines()
            assert next(events) == "event: queued"
            pids = children(process.pid)
            threading.Thread(target=process.terminate).start()
            assert "event: succeeded" not in list(events)  # ends, and is not cut off
    assert process.wait(PATIENCE_S) == 0
    assert len(pids) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_the_processes_end_with_a_killed_parent(
    standalone: tuple[str, subprocess.Popen[bytes]],
) -> None:
    url, process = standalone
    with httpx.Client(transport=httpx.HTTPTransport(retries=10)) as client:
        client.get(f"{url}/healthz", timeout=PATIENCE_S)
    pids = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + PATIENCE_S
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline, "API processes are left behind"
        time.sleep(0.05)
