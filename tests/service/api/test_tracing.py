"""One trace from the caller through the API and the queue to the worker."""

import dataclasses
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs

from kantor.estimator.result import Progress
from kantor.service.api.services import build_services
from kantor.service.otel import Tracer
from kantor.service.pulse import Pulse
from kantor.service.queue import LeaseQueue
from kantor.service.settings import Settings
from kantor.service.tracing import open_tracer
from kantor.service.worker.process import Worker

Traced = Callable[..., dict[str, ReadableSpan]]
TRACE, CALLER = "a1" * 16, "b2" * 8
CALLED = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
ROWS = [[float(i), 1.0] for i in range(40)]
BODY = {"source": {"samples": ROWS}, "target": {"samples": ROWS}}


class Estimated:
    """What a played estimation returns."""

    critic = None

    def to_dict(self) -> dict[str, Any]:
        return {"curve": []}


def estimate(*_: Any, on_progress: Callable[[Progress], None], **__: Any) -> Any:
    on_progress(Progress(step=1, max_steps=1, point=None))
    return Estimated()


def fail(*_: Any, **__: Any) -> Any:
    raise MemoryError


def work_once(
    client: redis.Redis, settings: Settings, tracer: Tracer | None, carry_out: Any
) -> None:
    """Let a worker take what there is, and end."""
    queue, stopping = LeaseQueue(client, settings, "w"), threading.Event()
    worker = Worker(queue, settings, carry_out, stopping, Pulse(), None, tracer)
    thread = threading.Thread(target=worker.run)
    thread.start()
    tag = "{" + settings.key_prefix + "}"
    while client.zcard(f"{tag}:expiries") == 0:
        stopping.wait(0.02)
    stopping.set()
    thread.join()


@pytest.fixture
def traced(settings: Settings, client: redis.Redis, serving: Any) -> Traced:
    """Return what submits a job over HTTP, carries it out, and returns the spans."""

    def run(carry_out: Any, **headers: str) -> dict[str, ReadableSpan]:
        exporters = InMemorySpanExporter(), InMemorySpanExporter()
        tracer = Tracer(exporters[0], "api")
        services = dataclasses.replace(build_services(settings), tracer=tracer)
        with serving(settings, services=services) as (_, http):
            assert http.post("/v1/jobs", json=BODY, headers=headers).status_code == 202
            http.get("/healthz")
        worker = Tracer(exporters[1], "worker")
        work_once(client, settings, worker, carry_out)
        worker.close()
        spans = [span for each in exporters for span in each.get_finished_spans()]
        return {span.name: span for span in spans}

    return run


def parent(span: ReadableSpan) -> str | None:
    return f"{span.parent.span_id:016x}" if span.parent else None


def own(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.span_id:016x}"


STEPS = ("claim", "load", "train", "bound", "store", "commit")


def test_the_worker_s_spans_are_below_the_request_s(traced: Traced) -> None:
    spans = traced(estimate, **CALLED)
    assert set(spans) == {"POST /v1/jobs", "job", *STEPS}  # no probe is traced
    contexts = [span.context for span in spans.values() if span.context]
    assert {f"{context.trace_id:032x}" for context in contexts} == {TRACE}
    request, job = spans["POST /v1/jobs"], spans["job"]
    assert parent(request) == CALLER
    assert parent(job) == own(request)
    assert {parent(spans[name]) for name in STEPS} == {own(job)}
    times = [(spans[name].start_time or 0, spans[name].end_time or 0) for name in STEPS]
    flat = [moment for pair in times for moment in pair]
    assert flat == sorted(flat)  # one after the other
    assert (job.start_time, job.end_time) == (flat[0], flat[-1])


def test_a_span_says_what_came_of_it(traced: Traced) -> None:
    spans = traced(fail)
    job = spans["job"]
    assert job.attributes is not None
    assert job.attributes["kantor.outcome"] == "failed"
    assert (job.status.is_ok, job.status.description) == (False, "out_of_memory")
    assert "bound" not in spans
    request = spans["POST /v1/jobs"]
    assert parent(request) is None  # nobody has called: the trace begins here
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 202
    assert request.resource.attributes["service.name"] == "kantor-api"


def test_a_trace_that_is_not_sampled_is_not_sent(traced: Traced) -> None:
    quiet = {"traceparent": CALLED["traceparent"][:-2] + "00"}
    assert traced(estimate, **quiet) == {}


def test_an_api_without_traces_hands_the_callers_on(
    settings: Settings, board: Any, serving: Any
) -> None:
    with serving(settings) as (_, http):
        sent = [CALLED, {"traceparent": "00-zz"}, {}]
        ids = [
            http.post("/v1/jobs", json=BODY, headers=headers).json()["id"]
            for headers in sent
        ]
    kept = [board.get(job_id).traceparent for job_id in ids]
    assert kept == [CALLED["traceparent"], None, None]


def test_traces_are_off_without_an_endpoint(settings: Settings) -> None:
    assert open_tracer(settings, "api") is None


def test_without_the_extra_traces_are_off_and_it_is_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kantor.service.otel", None)
    wanted = settings.model_copy(update={"otlp_endpoint": "http://127.0.0.1:1"})
    with capture_logs() as logs:
        assert open_tracer(wanted, "api") is None
    assert "pip install 'kantor[otel]'" in logs[0]["reason"]


def test_a_collector_that_is_away_holds_nobody_up() -> None:
    away = Settings.model_validate({"otlp_endpoint": "http://127.0.0.1:1"})
    tracer = open_tracer(away, "api")
    assert tracer is not None
    tracer.begin_request("GET", None).end("GET", "/v1/jobs", 200, "req_1")
    closing = threading.Thread(target=tracer.close)
    closing.start()
    closing.join(10.0)
    assert not closing.is_alive()
