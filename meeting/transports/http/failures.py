"""What aiohttp's servers log: failures of ours, and nothing of a client's broken HTTP."""

import logging

from aiohttp.http_exceptions import HttpProcessingError


def failures(name: str) -> logging.Logger:
    """Make the log of a server."""
    log = logging.getLogger(name)
    log.addFilter(_ours)
    return log


def _ours(record: logging.LogRecord) -> bool:
    """Tell whether a line is about a failure of ours; a client's broken HTTP holds its tokens."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
