"""The commands that talk to a running service."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kantor.service.client import KantorClient


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    rng, paths = np.random.default_rng(2), [tmp_path / "x.npy", tmp_path / "y.npy"]
    for shift, path in enumerate(paths):
        np.save(path, rng.normal(size=(200, 2)) + 3.0 * shift)
    (tmp_path / "config.json").write_text('{"effort": "quick", "steps": 25}')
    return [*paths, tmp_path / "config.json"]


def kantor(url: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kantor.service.cli", *map(str, arguments)]
    return subprocess.run(
        [*command, "--url", url], capture_output=True, text=True, timeout=120
    )


def test_submit_waits_and_shows_the_result(
    live_service: KantorClient, files: list[Path]
) -> None:
    x, y, config = files
    run = kantor(live_service.base_url, "submit", x, y, "--wait", "--config", config)
    assert run.returncode == 0
    assert "The distributions differ" in run.stdout


def test_submit_takes_weights(
    live_service: KantorClient, files: list[Path], tmp_path: Path
) -> None:
    x, y, config = files
    np.save(tmp_path / "w.npy", np.tile([1.0, 0.5], 100))
    given = ("--config", config, "--source-weights", tmp_path / "w.npy")
    run = kantor(live_service.base_url, "submit", x, y, "--wait", "--json", *given)
    job = json.loads(run.stdout)
    assert job["source"]["weights"].startswith("ds_")
    assert "The source's weights left" in " ".join(job["result"]["warnings"])


def test_submit_passes_a_webhook_on(
    live_service: KantorClient, files: list[Path]
) -> None:
    x, y, _ = files
    hook = ("--webhook", "https://example.org/")
    run = kantor(live_service.base_url, "submit", x, y, *hook)
    assert run.returncode != 0
    assert "not enabled" in run.stderr


def test_status_curve_and_differences_of_a_job_that_has_ended(
    live_service: KantorClient, files: list[Path]
) -> None:
    x, y, config = files
    job = live_service.submit(x, y, config=json.loads(config.read_text()))
    live_service.wait(job["id"], timeout_s=60)
    run = kantor(live_service.base_url, "status", job["id"], "--json")
    assert json.loads(run.stdout)["result"]["steps"] == 25
    curve = kantor(live_service.base_url, "curve", job["id"])
    assert curve.stdout.startswith("step,elapsed_s,train,validation")
    for command in ("differences", "witness"):  # the second is its earlier name
        table = kantor(live_service.base_url, command, job["id"])
        assert table.stdout.startswith("low,high,source,target")


def test_a_cancelled_job_ends_its_status_with_1(
    live_service: KantorClient, files: list[Path]
) -> None:
    # Nothing settles within the first hundred steps of so large a network.
    endless = {"steps": 1_000_000, "width": 2048, "depth": 8, "critic": "network"}
    job = live_service.submit(*files[:2], config=endless)
    assert kantor(live_service.base_url, "cancel", job["id"]).returncode == 0
    live_service.wait(job["id"], timeout_s=60)
    run = kantor(live_service.base_url, "status", job["id"])
    assert run.returncode == 1
    assert "cancelled" in run.stdout


def test_an_unknown_job_is_one_line(live_service: KantorClient) -> None:
    run = kantor(live_service.base_url, "status", "job_" + "0" * 32)
    assert run.returncode == 2
    assert run.stderr.startswith("error: no job")


def test_a_service_that_is_not_there_is_one_line() -> None:
    run = kantor("http://127.0.0.1:1", "status", "job_" + "0" * 32, "--json")
    assert run.returncode == 1
    assert json.loads(run.stderr)["code"] == "unreachable"


def test_healthcheck_asks_the_probe(live_service: KantorClient) -> None:
    probe = f"{live_service.base_url}/healthz"
    assert kantor(probe, "healthcheck").returncode == 0
    assert kantor("http://127.0.0.1:1", "healthcheck").returncode == 1
