"""Structured logs on stderr, ours and the libraries' alike.

One JSON object a line, for machines; a line of words where stderr is a terminal.
"""

import contextlib
import json
import logging
import sys
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

from kantor.service.settings import Settings

SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
]
"""What every record goes through, whoever reads it."""

AUDIT = "kantor.audit"
"""Name of the logger of those events that say who has changed what."""

log = structlog.get_logger(__name__)


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


class AuditFile(WatchedFileHandler):
    """A file of JSON lines; one that is moved away is followed by a new one."""

    def __init__(self, path: Path) -> None:
        """Open the file; others than its owner cannot read a new one.

        Raises:
            OSError: It cannot be written.
        """
        path.touch(mode=0o600)
        super().__init__(path, encoding="utf-8")

    def write(self, fields: dict[str, Any]) -> None:
        """Append a line.

        Raises:
            OSError: It cannot be written.
        """
        with self.lock or contextlib.nullcontext():
            self.reopenIfNeeded()
            self.stream = self.stream or self._open()
            self.stream.write(json.dumps(fields) + "\n")
            self.stream.flush()


def configure_audit(path: Path | None) -> None:
    """Send events of changes to a file, or with all others to stderr.

    Raises:
        OSError: The file cannot be written.
    """
    logger = logging.getLogger(AUDIT)
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    if path is not None:
        logger.addHandler(AuditFile(path))


def audit(event: str, **fields: Any) -> None:
    """Write down who has changed what, whatever the least severe level is.

    What cannot be written to the file goes to stderr, as all does without a file.
    """
    fields |= {"logger": AUDIT}
    for handler in logging.getLogger(AUDIT).handlers:
        if isinstance(handler, AuditFile):
            try:
                handler.write(_dated(event, fields))
            except OSError as error:
                log.error("audit_file_failed", error=str(error))
                break
            return
    _unfiltered.info(event, **fields)


def _dated(event: str, fields: dict[str, Any]) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return {"timestamp": now, "event": event} | fields


_unfiltered: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
    None, wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET)
)
