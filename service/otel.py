"""Spans of OpenTelemetry, sent to a collector in the background.

Imported by `tracing.open_tracer` alone. Nothing here waits for the collector: spans are
queued, sent by a thread, and dropped where it is away for long. Samplers, headers and
attributes of the resource are those of the SDK's own OTEL_ variables.
"""

from collections.abc import Mapping
from importlib.metadata import version

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import (
    TraceContextTextMapPropagator,
)

from kantor.service.trails import Step, Trail, valid_traceparent

EXPORT_TIMEOUT_S = 2.0
"""How long one delivery may take; also at the end of a process, which waits for it."""

Attributes = Mapping[str, str | int]

_PROPAGATOR = TraceContextTextMapPropagator()


class RequestSpan:
    """The span of one request to the API.

    Attributes:
        traceparent: Names it, for what is done for the request elsewhere.
    """

    def __init__(self, span: Span) -> None:
        self._span = span
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, set_span_in_context(span, Context()))
        self.traceparent = carrier.get("traceparent", "")

    def end(self, method: str, route: str, status: int | None, request_id: str) -> None:
        """End the span with what has become of the request."""
        self._span.update_name(f"{method} {route}")
        self._span.set_attributes(
            {
                "http.request.method": method,
                "http.route": route,
                "kantor.request_id": request_id,
            }
        )
        if status is not None:
            self._span.set_attribute("http.response.status_code", status)
        if status is None or status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class Tracer:
    """Makes the spans of one process."""

    def __init__(self, exporter: SpanExporter, process: str) -> None:
        """Begin to send.

        Args:
            exporter: What takes the spans.
            process: What this process is, such as `worker`.
        """
        about = {
            "service.name": f"kantor-{process}",
            "service.version": version("kantor"),
        }
        self._provider = TracerProvider(
            resource=Resource.create(about), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("kantor", version("kantor"))

    @classmethod
    def to_collector(cls, endpoint: str, process: str) -> "Tracer":
        """Return a tracer whose spans go to a collector, by OTLP over HTTP."""
        url = f"{endpoint.rstrip('/')}/v1/traces"
        return cls(OTLPSpanExporter(endpoint=url, timeout=EXPORT_TIMEOUT_S), process)

    def begin_request(self, method: str, traceparent: str | None) -> RequestSpan:
        """Begin the span of a request, below that of its caller if there is one."""
        span = self._tracer.start_span(
            method, context=_context(traceparent), kind=SpanKind.SERVER
        )
        return RequestSpan(span)

    def tell_job(
        self,
        trail: Trail,
        traceparent: str | None,
        attributes: Attributes,
        *,
        error: str | None,
    ) -> None:
        """Send what was done with a job: one span, and one below it for each step.

        Args:
            trail: What was done.
            traceparent: Of the request that has submitted it.
            attributes: Of the job.
            error: Why it failed, if it did.
        """
        if not trail.steps:
            return
        span = self._tracer.start_span(
            "job",
            context=_context(traceparent),
            kind=SpanKind.CONSUMER,
            attributes=dict(attributes),
            start_time=min(step.began_ns for step in trail.steps),
        )
        inside = set_span_in_context(span, Context())
        for step in trail.steps:
            self._tell_step(step, inside)
        if error is not None:
            span.set_status(Status(StatusCode.ERROR, error))
        span.end(max(step.ended_ns for step in trail.steps))

    def close(self) -> None:
        """Send what is left, within a bounded time, and end."""
        self._provider.force_flush(round(1000 * EXPORT_TIMEOUT_S))
        self._provider.shutdown()

    def _tell_step(self, step: Step, inside: Context) -> None:
        child = self._tracer.start_span(
            step.name, context=inside, start_time=step.began_ns
        )
        child.end(step.ended_ns)


def _context(traceparent: str | None) -> Context:
    """Return the context that a header names; an empty one where it names none."""
    carrier = {"traceparent": valid_traceparent(traceparent)}
    return _PROPAGATOR.extract(carrier, context=Context())
