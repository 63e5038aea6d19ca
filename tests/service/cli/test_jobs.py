"""The commands that talk to a running service."""

import json
import signal
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
    assert json.loads(run.stdout)["result"]["config"]["steps"] == 25
    curve = kantor(live_service.base_url, "curve", job["id"])
    assert curve.stdout.startswith("step,elapsed_s,train,validation")
    for command in ("differences", "witness"):  # the second is its earlier name
        table = kantor(live_service.base_url, command, job["id"])
        assert table.stdout.startswith("low,high,source,target")


# Nothing settles within the first hundred steps of so large a network.
ENDLESS = {"steps": 300_000, "width": 1024, "depth": 6, "critic": "network"}


def _as_in_a_terminal() -> None:
    """Let Ctrl-C count even where the tests run in a shell's background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_stopping_to_wait_leaves_the_job_and_says_how_to_go_on(
    live_service: KantorClient, files: list[Path], tmp_path: Path
) -> None:
    long = {"steps": 1_000_000, "width": 512, "depth": 4, "critic": "network"}
    (tmp_path / "long.json").write_text(json.dumps(long))
    command = [sys.executable, "-m", "kantor.service.cli", "submit"]
    given = [*files[:2], "--wait", "--config", tmp_path / "long.json"]
    process = subprocess.Popen(
        [*command, *map(str, given), "--url", live_service.base_url],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_as_in_a_terminal,
    )
    assert process.stderr is not None
    job_id = process.stderr.readline().strip()
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert f"{job_id} goes on" in told
    assert f"kantor jobs cancel {job_id} --url {live_service.base_url}" in told
    assert not live_service.job(job_id).ended
    live_service.cancel(job_id)
    assert live_service.wait(job_id, timeout_s=120).status == "cancelled"


def test_jobs_are_listed_with_their_answers(
    live_service: KantorClient, files: list[Path]
) -> None:
    x, y, config = files
    settings = json.loads(config.read_text())
    job = live_service.submit(x, y, config=settings, labels={"from": "list-test"})
    job.wait(timeout_s=60)
    url = live_service.base_url
    listed = kantor(url, "jobs", "list", "--label", "from:list-test").stdout
    assert job.id in listed
    assert f"{job.result.lower_bound:.4g}" in listed
    found = kantor(url, "jobs", "list", "--json", "--status", "succeeded").stdout
    assert job.id in [item["id"] for item in json.loads(found)]
    assert "succeeded" in kantor(url, "jobs").stdout


def test_a_job_is_followed_to_its_end(
    live_service: KantorClient, files: list[Path], tmp_path: Path
) -> None:
    x, y, config = files
    job = live_service.submit(x, y, config=json.loads(config.read_text()), cache=False)
    report = tmp_path / "r.html"
    options = ("--html", report, "--fail-if-different")
    run = kantor(live_service.base_url, "jobs", "follow", job.id, *options)
    assert run.returncode == 3
    assert "The distributions differ" in run.stdout
    assert job.id in report.read_text("utf-8")


def test_stored_datasets_and_references_are_sides(
    live_service: KantorClient, files: list[Path]
) -> None:
    x, y, config = files
    url = live_service.base_url
    assert kantor(url, "datasets", "add", "cli-test", x).returncode == 0
    stored = live_service.upload_dataset(y)
    run = kantor(
        url, "submit", "@cli-test", stored.id, "--wait", "--json", "--config", config
    )
    job = json.loads(run.stdout)
    assert job["target"]["dataset"] == stored.id
    assert job["source"]["dataset"] == live_service.reference("cli-test").dataset


def test_submit_reads_text_as_it_is_told(
    live_service: KantorClient, files: list[Path], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        rows = "".join(f"{a:.3f};{b:.3f}\n" for a, b in rng.normal(size=(60, 2)))
        text = "größe;x\n" + rows.replace(".", ",")
        (tmp_path / f"{name}.csv").write_text(text, "cp1252")
    sides = tmp_path / "a.csv", tmp_path / "b.csv"
    options = ("--encoding", "cp1252", "--decimal", ",", "--effort", "quick")
    run = kantor(live_service.base_url, "submit", *sides, "--wait", "--json", *options)
    columns = json.loads(run.stdout)["result"]["columns"]
    assert [column["name"] for column in columns] == ["größe", "x"]


def test_a_threshold_needs_an_answer(files: list[Path]) -> None:
    run = kantor("http://127.0.0.1:1", "submit", *files[:2], "--fail-above", "1")
    assert run.returncode == 2
    assert "expected --wait" in run.stderr


def test_a_setting_that_the_service_refuses_is_named(
    live_service: KantorClient, files: list[Path]
) -> None:
    options = ("--width", "3", "--group-size", "2")
    run = kantor(live_service.base_url, "submit", *files[:2], *options)
    assert run.returncode == 2
    assert run.stderr.startswith("error: group_size: expected a divisor of width 3")


def test_a_cancelled_job_ends_its_status_with_1(
    live_service: KantorClient, files: list[Path]
) -> None:
    job = live_service.submit(*files[:2], config=ENDLESS)
    assert kantor(live_service.base_url, "cancel", job["id"]).returncode == 0
    live_service.wait(job["id"], timeout_s=180)
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
