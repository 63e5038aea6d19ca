"""The client against a running service."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kantor.estimator import Estimate
from kantor.service.client import KantorClient, KantorError, NotFound, Refused

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
    seen: list[Any] = []
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


def test_a_job_is_an_object_with_its_methods(
    live_service: KantorClient, samples: Samples
) -> None:
    job = live_service.submit(samples(0), samples(3), config=QUICK, wait_s=60)
    assert job.ended
    assert job.result == Estimate.from_dict(job["result"])
    assert job.source.n == 200
    assert job.critic()[8:9] == b"{"
    assert "The distributions differ" in job.report()
    assert job.scores(samples(0)[:3]).shape == (3,)
    assert f"{job.id} succeeded" in repr(job)


def test_a_submission_with_one_key_is_one_job(
    live_service: KantorClient, samples: Samples
) -> None:
    sides = samples(0), samples(3)
    options: dict[str, Any] = {"config": QUICK, "idempotency_key": "twice"}
    first, second = (live_service.submit(*sides, **options) for _ in range(2))
    assert first.id == second.id


def test_stored_datasets_are_sides_by_id_and_as_objects(
    live_service: KantorClient, samples: Samples
) -> None:
    x, y = (live_service.upload_dataset(samples(shift)) for shift in (0, 3))
    for sides in ((x, y), (x.id, y.id), ({"dataset": x.id}, y)):
        job = live_service.submit(*sides, config=QUICK)
        assert (job.source.dataset, job.target.dataset) == (x.id, y.id)


def test_jobs_are_listed_by_label_over_pages(
    live_service: KantorClient, samples: Samples
) -> None:
    sides, labels = (samples(0), samples(3)), {"group": "paged"}
    ids = [
        live_service.submit(*sides, config=QUICK, labels=labels).id for _ in range(3)
    ]
    found = live_service.jobs(labels=labels, limit=2)
    assert [job.id for job in found] == ids[:0:-1]
    live_service.wait(ids[0])
    assert live_service.answers(ids[:1])[ids[0]]["lower_bound"] > 0


def test_tables_are_scored_by_name(live_service: KantorClient) -> None:
    rng = np.random.default_rng(0)
    sides = [
        {"age": rng.normal(40.0 + s, 5.0, 100), "city": ["Ulm", "Bonn"] * 50}
        for s in (0.0, 9.0)
    ]
    job = live_service.submit(*sides, config=QUICK).wait(timeout_s=60)
    young, old = job.scores({"age": [30.0, 60.0], "city": ["Ulm", "Ulm"]})
    assert young > old


def test_facts_about_the_service(live_service: KantorClient) -> None:
    assert "kantor" in live_service.info()["versions"]
    assert live_service.health()
    assert live_service.ready()
    assert "effort" in [item["name"] for item in live_service.settings()]
    assert "kantor_" in live_service.metrics()
    assert live_service.webhook_secrets() == []


def test_workers_are_drained_and_claim_again(live_service: KantorClient) -> None:
    assert [item["name"] for item in live_service.drain()["draining"]] == ["*"]
    assert live_service.drained()["running"] == 0
    assert live_service.end_drain()["draining"] == []


def test_a_reference_stands_for_its_newest_dataset(
    live_service: KantorClient, samples: Samples
) -> None:
    first, second = (live_service.upload_dataset(samples(s)) for s in (0, 5))
    live_service.name_dataset("client-test", first)
    live_service.name_dataset("client-test", second.id)
    reference = live_service.reference("client-test")
    assert [v["dataset"] for v in reference.versions] == [second.id, first.id]
    for side in (reference, {"reference": "client-test"}):
        job = live_service.submit(side, samples(1), config=QUICK)
        assert job.source.dataset == second.id
    assert "client-test" in [found.name for found in live_service.references()]
    live_service.forget_reference("client-test")
    with pytest.raises(NotFound):
        live_service.reference("client-test")


def test_a_text_file_is_read_as_its_owner_says(
    live_service: KantorClient, tmp_path: Path
) -> None:
    path = tmp_path / "x.csv"
    rows = b"gr\xf6\xdfe;n\n" + b"1,5;2\n2,5;4\n" * 30
    path.write_bytes(rows)
    reading = {"delimiter": ";", "decimal": ",", "encoding": "cp1252"}
    columns = live_service.upload_dataset(path, reading=reading).columns
    assert [column["name"] for column in columns or []] == ["größe", "n"]
    with pytest.raises(Refused):
        live_service.upload_dataset(path, reading={"decimal": "x"})
