"""What aiohttp's servers may log."""

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from meeting.transports.http.failures import failures


def test_broken_http_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A client's broken HTTP, which may hold a token, stays out; a failure of ours does not."""
    log = failures("test.failures")
    for error in (BadHttpMessage("GET /?token=secret"), ValueError("ours")):
        log.error("a request went wrong", exc_info=error)
    assert "ours" in caplog.text
    assert "secret" not in caplog.text
