"""Structured logs: one JSON object a line on stderr, ours and the libraries' alike."""

import logging
import sys

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

from kantor.service.settings import Settings

SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    # Local variables are left out: they may hold a key or a caller's samples.
    structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
]


def configure_logs(settings: Settings, process: str) -> None:
    """Send every log record of this process to stderr as JSON.

    Args:
        settings: For the least severe level that is written.
        process: What this process is, such as `worker`; stands in every line.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    structlog.configure(  # ours need not pass through `logging`, which costs more
        processors=[*SHARED, structlog.processors.JSONRenderer()],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
