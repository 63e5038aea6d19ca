"""What a job leaves behind, played by a worker that needs no training."""

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import numpy as np
import pytest
import redis
from safetensors.numpy import load, save

from kantor.estimator.critics.network import NetworkPotential
from kantor.estimator.samples.scaling import Scaler
from kantor.estimator.witness.document import CriticFile
from kantor.service.api.server import ApiServer
from kantor.service.queue import Claim, LeaseQueue
from kantor.service.settings import Settings
from kantor.service.store import BlobStore

Rows = list[list[float]]
Serving = Callable[[Settings], AbstractContextManager[tuple[ApiServer, httpx.Client]]]

MANY = 150
"""More than the connections to Redis that its client allows by default."""

CURVE = [
    {"step": step, "elapsed_s": 0.1, "train": 1.0, "validation": 0.5 + step / 1e4}
    for step in range(0, 1000, 10)
]
DIFFERENCES = {
    "source_extremes": [{"row": 3, "value": 1.5}],
    "target_extremes": [{"row": 7, "value": -2.0}],
    "attribution": [{"feature": 0, "share": 1.0, "slope": 1.0}],
    "gradient_norm": {"rows": 100, "mean": 1.0, "steep_share": 1.0},
    "histogram": {"edges": [-2.0, 0.0, 2.0], "source": [0.25, 0.75], "target": [1, 0]},
}
RESULT = {
    "estimate": 1.0,
    "standard_error": 0.1,
    "lower_bound": 0.8,
    "confidence": 0.95,
    "bound_method": "betting",
    "p_value": 0.01,
    "detectable_distance": 0.3,
    "sample_lower_bound": 0.9,
    "sample_upper_bound": None,
    "sample_upper_bound_reason": "not asked for",
    "certificate": {"lipschitz_bound": 1.0, "norm": "l2", "layers": []},
    "critic_family": "affine",
    "n_source": 50,
    "n_target": 50,
    "dim": 2,
    "steps": 1,
    "elapsed_s": 0.5,
    "device": "cpu",
    "stop_reason": "converged",
    "warnings": ["<b>bold</b>"],
    "config": {"effort": "quick"},
    "versions": {"kantor": "0.1.0"},
    "curve": CURVE,
    "differences": DIFFERENCES,
}
FIRST_FEATURE = CriticFile(
    family="affine",
    function=NetworkPotential(
        weights=[np.array([[1.0, 0.0]])],
        biases=[],
        activation="groupsort",
        group_size=2,
    ),
    scaler=Scaler(center=np.zeros(2), deviation=np.ones(2), unit=1.0),
    low=-100.0,
    high=100.0,
    lipschitz_bound=1.0,
)


@pytest.fixture
def worker(client: redis.Redis, settings: Settings) -> LeaseQueue:
    return LeaseQueue(client, settings, "worker")


def running_job(
    api: httpx.Client, worker: LeaseQueue, rows: Rows
) -> tuple[dict[str, Any], Claim]:
    body = {"source": {"samples": rows}, "target": {"samples": rows}, "cache": False}
    job = api.post("/v1/jobs", json=body).json()
    [claim] = worker.claim()
    return job, claim


@pytest.fixture
def succeeded(
    api: httpx.Client, worker: LeaseQueue, settings: Settings, rows: Rows
) -> dict[str, Any]:
    job, claim = running_job(api, worker, rows)
    blobs = BlobStore(settings.data_dir)
    result = blobs.put(json.dumps(RESULT).encode())
    worker.succeed(claim, result=result, critic=blobs.put(FIRST_FEATURE.to_bytes()))
    return job


def test_a_result_comes_with_the_job(
    api: httpx.Client, succeeded: dict[str, Any]
) -> None:
    job = api.get(succeeded["links"]["self"]).json()
    assert job["status"] == "succeeded"
    assert job["result"] == RESULT


def test_a_curve_is_thinned_between_its_ends(
    api: httpx.Client, succeeded: dict[str, Any]
) -> None:
    curve = api.get(succeeded["links"]["curve"], params={"max_points": 10}).json()
    assert curve["final"]
    assert len(curve["points"]) <= 10
    assert curve["points"][0] == CURVE[0]
    assert curve["points"][-1] == CURVE[-1]


def test_a_picture_names_estimate_and_bound(
    api: httpx.Client, succeeded: dict[str, Any]
) -> None:
    picture = api.get(succeeded["links"]["curve"], params={"format": "svg"})
    assert "sandbox" in picture.headers["content-security-policy"]
    assert "held-out estimate 1" in picture.text
    assert "lower bound 0.8" in picture.text


def test_the_differences_say_where_the_samples_differ(
    api: httpx.Client, succeeded: dict[str, Any]
) -> None:
    link = succeeded["links"]["differences"]
    assert api.get(link).json() == DIFFERENCES
    table = api.get(link, params={"format": "csv"}).text
    assert table.splitlines() == [
        "low,high,source,target", "-2.0,0.0,0.25,1", "0.0,2.0,0.75,0"
    ]  # fmt: skip


def test_the_earlier_name_of_the_differences_answers_the_same(
    api: httpx.Client, succeeded: dict[str, Any]
) -> None:
    links = succeeded["links"]
    assert links["witness"] != links["differences"]
    for form in ("json", "csv"):
        told = [
            api.get(links[name], params={"format": form}).text
            for name in ("witness", "differences")
        ]
        assert told[0] == told[1]


def test_the_differences_are_drawn_for_both_sides(
    api: httpx.Client, succeeded: dict[str, Any]
) -> None:
    link = succeeded["links"]["differences"]
    svg = api.get(link, params={"format": "svg"})
    assert svg.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in svg.headers["content-security-policy"]
    for words in ("source", "target", "potential, in units of the data"):
        assert f"<!-- {words} -->" in svg.text
    png = api.get(link, params={"format": "png"})
    assert png.content.startswith(b"\x89PNG")


def test_a_report_is_one_file_that_loads_nothing(
    api: httpx.Client, succeeded: dict[str, Any]
) -> None:
    answer = api.get(f"/v1/jobs/{succeeded['id']}/report")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "The distributions differ: W1 is at least 0.8" in answer.text
    assert "&lt;b&gt;bold&lt;/b&gt;" in answer.text
    assert not re.search(r"(src|href)=.(?!data:)", answer.text)


def test_a_queued_job_has_no_report(api: httpx.Client, rows: Rows) -> None:
    sides = {"source": {"samples": rows}, "target": {"samples": rows}}
    job = api.post("/v1/jobs", json=sides).json()
    answer = api.get(job["links"]["report"])
    assert (answer.status_code, answer.json()["code"]) == (409, "job_not_finished")


def test_a_queued_job_has_no_differences(api: httpx.Client, rows: Rows) -> None:
    body = {"source": {"samples": rows}, "target": {"samples": rows}, "cache": False}
    link = api.post("/v1/jobs", json=body).json()["links"]["differences"]
    refused = api.get(link)
    assert (refused.status_code, refused.json()["code"]) == (409, "job_not_finished")


def test_the_critic_can_be_downloaded_and_scores(
    api: httpx.Client, succeeded: dict[str, Any]
) -> None:
    critic = api.get(succeeded["links"]["critic"])
    assert critic.content == FIRST_FEATURE.to_bytes()
    samples = {"samples": [[1.5, 9.0], [-2.0, 9.0]]}
    scored = api.post(succeeded["links"]["scores"], json=samples).json()
    assert scored == {"scores": [1.5, -2.0]}


def test_scoring_needs_the_critics_dimension(
    api: httpx.Client, succeeded: dict[str, Any]
) -> None:
    samples = {"samples": [[1.0, 2.0, 3.0]]}
    response = api.post(succeeded["links"]["scores"], json=samples)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_samples")


def test_booleans_are_no_samples_to_score(
    api: httpx.Client, succeeded: dict[str, Any]
) -> None:
    samples = {"samples": [[1.0, 2.0], [True, 2.0]]}
    response = api.post(succeeded["links"]["scores"], json=samples)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert response.json()["errors"][0]["pointer"] == "#/samples/1"


def test_a_critic_of_an_earlier_version_is_said_to_be_one(
    api: httpx.Client, worker: LeaseQueue, settings: Settings, rows: Rows
) -> None:
    tensors = load(FIRST_FEATURE.to_bytes())
    old = {n: t for n, t in tensors.items() if n not in ("family", "activation")}
    job, claim = running_job(api, worker, rows)
    blobs = BlobStore(settings.data_dir)
    result = blobs.put(json.dumps(RESULT).encode())
    worker.succeed(claim, result=result, critic=blobs.put(save(old)))
    samples = {"samples": [[1.0, 2.0]]}
    refused = api.post(job["links"]["scores"], json=samples)
    assert (refused.status_code, refused.json()["code"]) == (410, "critic_unreadable")


@pytest.mark.parametrize("given", [f"{2**64}-0", f"0-{2**64}", "9" * 20 + "-0"])
def test_an_event_id_that_cannot_be_one_is_refused(
    api: httpx.Client, succeeded: dict[str, Any], given: str
) -> None:
    headers = {"Last-Event-ID": given}
    refused = api.get(succeeded["links"]["events"], headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert "below 2^64" in refused.json()["detail"]
    last = {"Last-Event-ID": f"{2**64 - 1}-{2**64 - 1}"}
    assert api.get(succeeded["links"]["events"], headers=last).status_code == 200


def test_a_running_job_has_no_critic_but_a_curve(
    api: httpx.Client, worker: LeaseQueue, rows: Rows
) -> None:
    job, claim = running_job(api, worker, rows)
    worker.progress(claim, [CURVE[3] | {"max_steps": 100}])
    assert api.get(job["links"]["critic"]).json()["code"] == "job_not_finished"
    curve = api.get(job["links"]["curve"]).json()
    assert (curve["final"], [p["step"] for p in curve["points"]]) == (False, [30])


def test_deleting_a_running_job_asks_it_to_stop(
    api: httpx.Client, worker: LeaseQueue, rows: Rows
) -> None:
    job, claim = running_job(api, worker, rows)
    response = api.delete(job["links"]["self"])
    assert (response.status_code, response.json()["cancel_requested"]) == (202, True)
    worker.cancelled(claim)
    assert api.delete(job["links"]["self"]).status_code == 204


def test_waiting_ends_with_the_job(api: httpx.Client, rows: Rows) -> None:
    body = {"source": {"samples": rows}, "target": {"samples": rows}}
    cancel = threading.Timer(0.5, cancel_all, [str(api.base_url)])
    cancel.start()
    waited = api.post("/v1/jobs", json=body, headers={"Prefer": "wait=10"})
    cancel.join()
    assert (waited.status_code, waited.json()["status"]) == (200, "cancelled")


def cancel_all(url: str) -> None:
    for job in httpx.get(f"{url}/v1/jobs").json()["data"]:
        httpx.post(f"{url}{job['links']['cancel']}")


def test_a_stopping_server_ends_its_streams(
    serving: Serving, api_settings: Settings, rows: Rows
) -> None:
    body = {"source": {"samples": rows}, "target": {"samples": rows}}
    with serving(api_settings) as (server, api):
        events = api.post("/v1/jobs", json=body).json()["links"]["events"]
        with api.stream("GET", events) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: queued"
            server.should_exit = True
            began = time.monotonic()
            assert list(lines)[-1] == ""
    assert time.monotonic() - began < 5


def test_events_arrive_while_the_job_runs(
    api: httpx.Client, worker: LeaseQueue, rows: Rows
) -> None:
    job, claim = running_job(api, worker, rows)
    with api.stream("GET", job["links"]["events"]) as stream:
        lines = stream.iter_lines()
        worker.progress(claim, [CURVE[0]])
        began = time.monotonic()
        assert any(re.match(r"event: progress", line) for line in lines)
    assert time.monotonic() - began < 2


def test_many_open_streams_leave_room_for_other_requests(
    api: httpx.Client, worker: LeaseQueue, rows: Rows
) -> None:
    job, _ = running_job(api, worker, rows)
    ask = f"GET {job['links']['events']} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        for _ in range(MANY):
            address = (api.base_url.host, api.base_url.port)
            stream = stack.enter_context(socket.create_connection(address))
            stream.sendall(ask)
            assert stream.recv(15) == b"HTTP/1.1 200 OK"
        assert api.get(job["links"]["self"]).status_code == 200
