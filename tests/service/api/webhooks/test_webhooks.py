"""From the request to the receiver, through a live API and a real queue."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from kantor.service.api.services import build_services
from kantor.service.api.webhooks.messages import HeadlineView, MessageView
from kantor.service.api.webhooks.signing import Signer
from kantor.service.queue import JobError, LeaseQueue
from kantor.service.settings import Settings
from kantor.service.store import BlobStore
from tests.service.api.live import serve

Rows = list[list[float]]
Serving = Callable[[], AbstractContextManager[httpx.Client]]

ROOT = "0123456789abcdef0123456789abcdef"
QUICK = (0.1, 0.1, 0.1)


@pytest.fixture
def hook_settings(settings: Settings, receiver: Any, certificate: Path) -> Settings:
    changes = {
        "webhook_root_secret": ROOT,
        "webhook_allow_private": True,
        "webhook_ports": [receiver.server_port],
        "webhook_ca_file": certificate,
    }
    known = {name: getattr(settings, name) for name in settings.model_fields_set}
    return Settings.model_validate(known | changes)


@pytest.fixture
def worker(client: redis.Redis, settings: Settings) -> LeaseQueue:
    return LeaseQueue(client, settings, "worker-a")


@pytest.fixture
def serving_hooks(hook_settings: Settings) -> Serving:
    """Return a way to run an API that tries again quickly."""

    @contextmanager
    def serve_hooks() -> Iterator[httpx.Client]:
        services = build_services(hook_settings)
        assert services.webhooks is not None
        quick = replace(services.webhooks, delays_s=QUICK)
        services = replace(services, webhooks=quick)
        with serve(hook_settings, services) as (_, client):
            yield client

    return serve_hooks


@pytest.fixture
def hooks(serving_hooks: Serving) -> Iterator[httpx.Client]:
    with serving_hooks() as client:
        yield client


def submit(api: httpx.Client, rows: Rows, webhook: Any, **extra: Any) -> Any:
    sides = {"source": {"samples": rows}, "target": {"samples": rows}}
    response = api.post("/v1/jobs", json=sides | {"webhook": webhook} | extra)
    return response.json()


def webhook_of(api: httpx.Client, job: Any, *statuses: str) -> Any:
    """Return the webhook part of a job once it has one of these statuses."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        webhook = api.get(job["links"]["self"]).json()["webhook"]
        if webhook["status"] in statuses:
            return webhook
        time.sleep(0.02)
    raise AssertionError(webhook)


def test_a_webhook_is_told_of_the_end(
    hooks: httpx.Client, receiver: Any, rows: Rows
) -> None:
    job = submit(hooks, rows, {"url": receiver.url}, labels={"run": "a"})
    assert job["webhook"]["status"] == "waiting"
    hooks.post(job["links"]["cancel"])
    message = json.loads(receiver.wait()[0].body)
    assert message["type"] == "job.cancelled"
    assert message["data"]["id"] == job["id"]
    assert message["data"]["labels"] == {"run": "a"}
    assert message["data"]["links"] == job["links"]
    webhook = webhook_of(hooks, job, "delivered")
    assert (webhook["attempts"], webhook["last_status"]) == (1, 204)


def test_a_form_may_name_a_webhook(
    hooks: httpx.Client, receiver: Any, rows: Rows
) -> None:
    csv = "\n".join(",".join(map(repr, row)) for row in rows)
    files = {"source": ("x.csv", csv), "target": ("y.csv", csv)}
    webhook = json.dumps({"url": receiver.url, "events": ["job.cancelled"]})
    job = hooks.post("/v1/jobs", files=files, data={"webhook": webhook}).json()
    hooks.post(job["links"]["cancel"])
    assert json.loads(receiver.wait()[0].body)["data"]["status"] == "cancelled"


def test_a_message_is_signed_with_the_callers_secret(
    hooks: httpx.Client, receiver: Any, rows: Rows, hook_settings: Settings
) -> None:
    job = submit(hooks, rows, {"url": receiver.url})
    hooks.post(job["links"]["cancel"])
    [received] = receiver.wait()
    signer, headers = Signer(hook_settings), received.headers
    message_id, at = headers["webhook-id"], int(headers["webhook-timestamp"])
    expected = signer.headers("", message_id, received.body, at=at)
    assert headers.items() >= expected.items()
    assert message_id == "msg_" + job["id"].removeprefix("job_")
    assert abs(at - time.time()) < 60


def test_secrets_are_shown_to_their_owner(hooks: httpx.Client) -> None:
    answer = hooks.get("/v1/webhooks/secrets")
    [secret] = answer.json()["secrets"]
    assert secret.startswith("whsec_")
    assert ROOT not in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_a_result_is_told_by_its_headline(
    hooks: httpx.Client,
    receiver: Any,
    rows: Rows,
    worker: LeaseQueue,
    settings: Settings,
) -> None:
    submit(hooks, rows, {"url": receiver.url})
    [claim] = worker.claim()
    headline = dict.fromkeys(HeadlineView.model_fields, 0.5)
    document = json.dumps(headline | {"curve": [1, 2, 3]})
    worker.succeed(claim, result=BlobStore(settings.data_dir).put(document.encode()))
    message = json.loads(receiver.wait()[0].body)
    assert message["type"] == "job.succeeded"
    assert message["data"]["result"] == headline


def test_a_failure_is_told_with_its_error(
    hooks: httpx.Client, receiver: Any, rows: Rows, worker: LeaseQueue
) -> None:
    submit(hooks, rows, {"url": receiver.url})
    [claim] = worker.claim()
    worker.fail(claim, JobError("out_of_memory", "too large"))
    message = json.loads(receiver.wait()[0].body)
    assert message["type"] == "job.failed"
    assert message["data"]["error"] == {"code": "out_of_memory", "detail": "too large"}
    assert message["data"]["result"] is None


def test_an_attempt_that_fails_is_repeated_as_the_same_message(
    hooks: httpx.Client, receiver: Any, rows: Rows, replying: Any
) -> None:
    receiver.replies = [replying(500), replying(302)]
    job = submit(hooks, rows, {"url": receiver.url})
    hooks.post(job["links"]["cancel"])
    webhook = webhook_of(hooks, job, "delivered")
    assert webhook["attempts"] == len(receiver.received) == 3
    assert len({r.headers["webhook-id"] for r in receiver.received}) == 1
    assert len({r.body for r in receiver.received}) == 1


def test_gone_ends_the_attempts(
    hooks: httpx.Client, receiver: Any, rows: Rows, replying: Any
) -> None:
    receiver.replies = [replying(410)]
    job = submit(hooks, rows, {"url": receiver.url})
    hooks.post(job["links"]["cancel"])
    webhook = webhook_of(hooks, job, "failed")
    assert (webhook["attempts"], webhook["last_status"]) == (1, 410)
    assert webhook["last_error"] == "the receiver answered 410"


def test_attempts_come_to_an_end(
    hooks: httpx.Client, receiver: Any, rows: Rows, replying: Any
) -> None:
    receiver.replies = [replying(500)] * 10
    job = submit(hooks, rows, {"url": receiver.url})
    hooks.post(job["links"]["cancel"])
    webhook = webhook_of(hooks, job, "failed")
    assert webhook["attempts"] == len(receiver.received) == len(QUICK) + 1
    assert webhook["next_attempt_at"] is None


def test_a_deleted_job_is_not_told(
    hooks: httpx.Client, receiver: Any, rows: Rows, replying: Any
) -> None:
    receiver.replies = [replying(503, **{"Retry-After": "1"})]
    job = submit(hooks, rows, {"url": receiver.url})
    hooks.post(job["links"]["cancel"])
    webhook_of(hooks, job, "pending")
    receiver.wait()
    assert hooks.delete(job["links"]["self"]).status_code == 204
    time.sleep(1.3)
    assert len(receiver.received) == 1


def test_processes_share_the_work_without_telling_twice(
    serving_hooks: Serving, receiver: Any, rows: Rows
) -> None:
    with serving_hooks() as one, serving_hooks():
        jobs = [submit(one, rows, {"url": receiver.url}) for _ in range(30)]
        for job in jobs:
            one.post(job["links"]["cancel"])
        for job in jobs:
            assert webhook_of(one, job, "delivered")["attempts"] == 1
    told = [json.loads(r.body)["data"]["id"] for r in receiver.received]
    assert sorted(told) == sorted(job["id"] for job in jobs)


def test_what_a_dead_process_was_sending_is_sent_by_the_next(
    serving_hooks: Serving,
    receiver: Any,
    rows: Rows,
    board: Any,
    client: redis.Redis,
    settings: Settings,
) -> None:
    with serving_hooks() as first:
        job = submit(first, rows, {"url": receiver.url})
    board.cancel(job["id"])
    tag = "{" + settings.key_prefix + "}"
    client.hset(f"{tag}:job:{job['id']}", "webhook_attempts", 1)  # it had begun
    with serving_hooks() as second:
        assert webhook_of(second, job, "delivered")["attempts"] == 2
    assert len(receiver.received) == 1


def test_webhooks_show_in_the_metrics(
    hooks: httpx.Client, receiver: Any, rows: Rows
) -> None:
    job = submit(hooks, rows, {"url": receiver.url})
    hooks.post(job["links"]["cancel"])
    webhook_of(hooks, job, "delivered")
    text = hooks.get("/metrics").text
    assert "kantor_webhooks_pending 0.0" in text
    assert 'kantor_queue_events_total{event="webhooks_delivered"} 1.0' in text


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://user:pw@example.org/",
        "https://169.254.169.254/",
        "https://[::ffff:169.254.169.254]/",
        "https://2130706433/",
        "https://example.org:22/",
    ],
)
def test_a_url_that_is_never_sent_to_is_refused_at_once(
    hooks: httpx.Client, rows: Rows, receiver: Any, url: str
) -> None:
    port = receiver.server_port
    url = url if url.endswith(":22/") else f"{url[:-1]}:{port}/"
    problem = submit(hooks, rows, {"url": url})
    assert (problem["status"], problem["code"]) == (422, "invalid_request")
    assert problem["errors"][0]["pointer"] == "#/webhook/url"


@pytest.mark.parametrize(
    "webhook",
    [
        {},
        {"url": 1},
        {"url": "https://x.org", "secret": "a"},
        {"url": "https://x.org", "events": ["job.running"]},
        {"url": "https://x.org", "events": []},
        "https://x.org",
    ],
)
def test_a_webhook_is_checked_as_any_field(
    hooks: httpx.Client, rows: Rows, webhook: Any
) -> None:
    problem = submit(hooks, rows, webhook)
    assert problem["code"] == "invalid_request"
    assert problem["errors"][0]["pointer"].startswith("#/webhook")


def test_webhooks_are_off_unless_enabled(api: httpx.Client, rows: Rows) -> None:
    problem = submit(api, rows, {"url": "https://example.org/"})
    assert (problem["status"], problem["code"]) == (422, "webhooks_disabled")
    assert problem["errors"][0]["pointer"] == "#/webhook"
    assert api.get("/v1/webhooks/secrets").json() == {"secrets": []}
    assert api.get("/v1/info").json()["webhooks"] is False


def test_the_document_describes_what_is_sent(
    hooks: httpx.Client, receiver: Any, rows: Rows
) -> None:
    document = hooks.get("/openapi.json").json()
    body = document["webhooks"]["job-ended"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/MessageView"}
    job = submit(hooks, rows, {"url": receiver.url})
    hooks.post(job["links"]["cancel"])
    MessageView.model_validate_json(receiver.wait()[0].body, extra="forbid")


def test_a_job_without_a_webhook_says_so(hooks: httpx.Client, rows: Rows) -> None:
    assert submit(hooks, rows, None)["webhook"] is None
