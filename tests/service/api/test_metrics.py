import re
from pathlib import Path

import httpx
import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from kantor.service.api.metrics import render_metrics
from kantor.service.queue import LeaseQueue, QueueStats
from kantor.service.settings import Settings
from kantor.service.store import BlobStore

Rows = list[list[float]]


def parsed(text: str) -> dict[str, float]:
    return {
        ",".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def metrics(api: httpx.Client) -> dict[str, float]:
    return parsed(api.get("/metrics").text)


def test_metrics_follow_the_queue(api: httpx.Client, rows: Rows) -> None:
    body = {"source": {"samples": rows}, "target": {"samples": rows}}
    job = api.post("/v1/jobs", json=body).json()
    waiting = metrics(api)
    api.post(job["links"]["cancel"])
    ended = metrics(api)
    assert (waiting["kantor_jobs_queued"], ended["kantor_jobs_queued"]) == (1, 0)
    assert waiting["kantor_queue_events_total,submitted"] == 1
    assert ended["kantor_jobs_ended_total,cancelled"] == 1


def test_durations_are_those_of_runs_alone(
    api: httpx.Client, rows: Rows, client: redis.Redis, settings: Settings
) -> None:
    body = {"source": {"samples": rows}, "target": {"samples": rows}}
    api.post("/v1/jobs", json=body)
    worker = LeaseQueue(client, settings, "worker")
    [claim] = worker.claim()
    worker.succeed(claim, result=BlobStore(settings.data_dir).put(b"{}"))
    for _ in range(3):
        assert api.post("/v1/jobs", json=body).json()["cached"]
    other = api.post("/v1/jobs", json=body | {"cache": False}).json()
    api.post(other["links"]["cancel"])
    found = metrics(api)
    assert found["kantor_jobs_ended_total,succeeded"] == 4
    assert found["kantor_job_run_seconds_count"] == 1
    assert found["kantor_job_run_seconds_bucket,1"] == 1
    assert 0 <= found["kantor_job_run_seconds_sum"] < 1


def stats(**totals: int) -> QueueStats:
    return QueueStats(0, 0, 0.0, 0, totals)


def test_a_mean_leaves_out_what_never_ran() -> None:
    told = stats(succeeded=100, cache_hits=97, run_count=3, run_ms=6000, run_le_3=3)
    found = parsed(render_metrics(told).decode())
    count = found["kantor_job_run_seconds_count"]
    assert found["kantor_job_run_seconds_sum"] / count == pytest.approx(2.0)


def test_buckets_are_those_the_queue_counts_and_never_fall() -> None:
    told = stats(run_count=5, run_ms=1, run_le_1=1, run_le_10=2, run_le_10000=4)
    found = parsed(render_metrics(told).decode())
    name = "kantor_job_run_seconds_bucket"
    heights = {key: value for key, value in found.items() if key.startswith(name)}
    expected = {"1": 1, "10": 2, "10000": 4, "+Inf": 5}
    assert heights == {f"{name},{limit}": height for limit, height in expected.items()}


def test_totals_of_an_earlier_version_are_presented() -> None:
    found = parsed(render_metrics(stats(succeeded=9, run_ms=8000, run_le_3=4)).decode())
    assert found["kantor_job_run_seconds_count"] == 4


def test_every_metric_is_documented(api: httpx.Client) -> None:
    page = Path("docs/operations.md").read_text(encoding="utf-8")
    names = set(re.findall(r"^# HELP (\w+) ", api.get("/metrics").text, re.MULTILINE))
    assert {name for name in names if name.removesuffix("_total") not in page} == set()
