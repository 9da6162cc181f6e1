"""Logging: constant snake_case events with facts as keys. No payloads, no tokens."""

import logging
import sys
from typing import Literal, TextIO

import structlog
from structlog.typing import Processor


def configure_logs(
    log_format: Literal["json", "console"] = "json", *, stream: TextIO | None = None
) -> None:
    """Send structlog's events, and the libraries' warnings, to a stream; by default to stderr."""
    stream = stream or sys.stderr
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=stream.isatty())
        if log_format == "console"
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=stream is sys.stderr,
    )
    logging.basicConfig(
        stream=stream, level=logging.WARNING, format="%(message)s", force=stream is not sys.stderr
    )
