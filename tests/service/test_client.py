"""The client against a running service."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kantor.service.client import KantorClient, KantorError

Samples = Callable[[float], NDArray[np.float64]]

QUICK = {"effort": "quick", "steps": 25}


@pytest.fixture
def samples() -> Samples:
    rng = np.random.default_rng(5)
    return lambda shift: rng.normal(size=(200, 2)) + shift


def test_a_submitted_job_comes_back_with_its_result(
    live_service: KantorClient, samples: Samples
) -> None:
    job = live_service.submit(samples(0), samples(3), config=QUICK, labels={"a": "b"})
    seen: list[dict[str, Any]] = []
    job = live_service.wait(job["id"], timeout_s=60, on_update=seen.append)
    assert job["status"] == "succeeded"
    assert job["result"]["lower_bound"] > 0
    assert job["labels"] == {"a": "b"}
    assert seen[-1] == job
    assert live_service.curve(job["id"], "csv").startswith(b"step,")
    assert live_service.curve(job["id"], "png").startswith(b"\x89PNG")


def test_the_differences_of_a_job_are_those_of_its_result(
    live_service: KantorClient, samples: Samples
) -> None:
    job = live_service.submit(samples(0), samples(3), config=QUICK)
    job = live_service.wait(job["id"], timeout_s=60)
    differences = json.loads(live_service.differences(job["id"]))
    assert differences == job["result"]["differences"]
    assert live_service.differences(job["id"], "csv").startswith(b"low,high,")
    assert live_service.witness(job["id"]) == live_service.differences(job["id"])


def test_any_option_of_a_job_is_passed_on(
    live_service: KantorClient, samples: Samples
) -> None:
    first = live_service.submit(samples(0), samples(3), config=QUICK)
    live_service.wait(first["id"], timeout_s=60)
    again = live_service.submit(samples(0), samples(3), config=QUICK, cache=False)
    assert not again["cached"]
    live_service.cancel(again["id"])


def test_weights_reach_the_worker_and_decide_the_answer(
    live_service: KantorClient, samples: Samples, tmp_path: Path
) -> None:
    x, y, weights = samples(0), samples(0), np.tile([1.0, 0.5], 100)
    np.save(tmp_path / "w.npy", weights)
    plain = live_service.submit(x, y, config=QUICK)
    live_service.wait(plain["id"], timeout_s=60)
    job = live_service.submit(x, y, config=QUICK, target_weights=weights)
    job = live_service.wait(job["id"], timeout_s=60)
    assert not job["cached"]
    assert any("target's weights left" in item for item in job["result"]["warnings"])
    path = tmp_path / "w.npy"
    again = live_service.submit(x, y, config=QUICK, target_weights=path)
    assert again["cached"]
    assert again["result"] == job["result"]


def test_a_file_and_its_array_are_one_dataset(
    live_service: KantorClient, samples: Samples, tmp_path: Path
) -> None:
    array, path = samples(0), tmp_path / "x.csv"
    np.savetxt(path, array, delimiter=",", fmt="%.17g")
    uploaded = [live_service.upload_dataset(side) for side in (path, array)]
    assert uploaded[0]["id"] == uploaded[1]["id"]


def test_cancel_ends_a_job(live_service: KantorClient, samples: Samples) -> None:
    long = {"steps": 1_000_000, "effort": "thorough"}
    job = live_service.submit(samples(0), samples(1), config=long)
    assert live_service.cancel(job["id"])["cancel_requested"]
    assert live_service.wait(job["id"], timeout_s=60)["status"] == "cancelled"


def test_giving_up_leaves_the_job_alone(
    live_service: KantorClient, samples: Samples
) -> None:
    job = live_service.submit(samples(0), samples(1), config={"steps": 1_000_000})
    with pytest.raises(TimeoutError, match=job["id"]):
        live_service.wait(job["id"], timeout_s=0.2)
    assert live_service.job(job["id"])["status"] in ("queued", "running")
    live_service.cancel(job["id"])


def test_a_refusal_carries_the_problem(
    live_service: KantorClient, samples: Samples
) -> None:
    with pytest.raises(KantorError) as caught:
        live_service.submit(samples(0), samples(0), config={"sede": 1})
    assert caught.value.status == 422
    assert caught.value.code == "invalid_request"
    assert caught.value.problem["errors"][0]["pointer"] == "#/config/sede"


def test_a_webhook_is_passed_on(live_service: KantorClient, samples: Samples) -> None:
    with pytest.raises(KantorError) as caught:
        live_service.submit(samples(0), samples(0), webhook="https://example.org/")
    assert caught.value.code == "webhooks_disabled"


def test_silence_is_a_problem_too() -> None:
    with (
        KantorClient("http://127.0.0.1:1") as client,
        pytest.raises(KantorError, match=r"no answer from http://127\.0\.0\.1:1"),
    ):
        client.info()


def test_the_client_loads_neither_torch_nor_fastapi() -> None:
    code = (
        "import sys, kantor.service.client\n"
        "sys.exit(bool({'torch', 'fastapi'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
