"""How this process logs: readable on a terminal, one JSON object a line otherwise."""

import logging
import sys
from typing import Protocol

import structlog
from structlog.types import EventDict, Processor

from meeting.app.config import Log


def printable(_logger: object, _name: str, event: EventDict) -> EventDict:
    """Take from texts what steers a terminal: some come from outside, such as a task's type."""
    return {
        key: value
        if key == "exception" or not isinstance(value, str) or value.isprintable()
        else "".join(each if each.isprintable() else "\ufffd" for each in value)
        for key, value in event.items()
    }


class Out(Protocol):
    """Where lines go."""

    def write(self, text: str, /) -> object:
        """Take a whole line."""
        ...

    def flush(self) -> object:
        """Let nothing wait."""
        ...


def renderers(settings: Log) -> list[Processor]:
    """Return what makes a line of an entry; the last gives a text."""
    if settings.format == "console" or (settings.format == "auto" and sys.stderr.isatty()):
        # Not the default, which shows each frame's variables: passwords, tokens, what was said.
        plain = structlog.dev.plain_traceback
        return [printable, structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def configure(settings: Log, out: Out | None = None) -> None:
    """Set structlog up, and hand it what libraries log by the standard module."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    level = getattr(logging, settings.level.upper())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *renderers(settings),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("aiosqlite", "alembic", "uvicorn.access", "uvicorn.error", "asyncio"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
