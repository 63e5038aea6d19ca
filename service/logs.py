"""Structured logs on stderr, ours and the libraries' alike.

One JSON object a line, for machines; a line of words where stderr is a terminal.
"""

import logging
import sys

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

from kantor.service.settings import Settings

SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
]
"""What every record goes through, whoever reads it."""


def _for_machines() -> list[Processor]:
    transformer = ExceptionDictTransformer(show_locals=False)
    return [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Local variables are left out: they may hold a key or a caller's samples.
        structlog.processors.ExceptionRenderer(transformer),
        structlog.processors.JSONRenderer(),
    ]


def _for_people() -> list[Processor]:
    return [
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
        structlog.dev.ConsoleRenderer(
            pad_event_to=32, exception_formatter=structlog.dev.plain_traceback
        ),
    ]


def configure_logs(settings: Settings, process: str) -> None:
    """Send every log record of this process to stderr.

    Args:
        settings: For the least severe level that is written.
        process: What this process is, such as `worker`; stands in every line.
    """
    *timed, renderer = _for_people() if sys.stderr.isatty() else _for_machines()
    shared = [*SHARED, *timed]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    structlog.configure(  # ours need not pass through `logging`, which costs more
        processors=[*shared, renderer],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
