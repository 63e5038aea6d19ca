"""Traces: what was done for one request, from the API through the queue to the worker.

Off unless `otlp_endpoint` is set and the extra `otel` is installed; until then nothing
of OpenTelemetry's SDK is imported.
"""

from typing import TYPE_CHECKING

import structlog

from kantor.service.settings import Settings

if TYPE_CHECKING:
    from kantor.service.otel import Tracer

log = structlog.get_logger(__name__)


def open_tracer(settings: Settings, process: str) -> "Tracer | None":
    """Return what sends spans to the collector; None where traces are off.

    Args:
        settings: Of the collector.
        process: What this process is, such as `worker`.
    """
    if settings.otlp_endpoint is None:
        return None
    try:
        from kantor.service.otel import Tracer
    except ModuleNotFoundError as error:
        log.warning("traces_off", reason=f"{error}: pip install 'kantor[otel]'")
        return None
    return Tracer.to_collector(settings.otlp_endpoint, process)
