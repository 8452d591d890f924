"""Which web pages may talk to us (weakness 18)."""

import pytest

from meeting.transports.origin import admitted

HOST = "meet.example.org:8080"


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "http://meet.example.org:8080",
        "https://MEET.example.org:8080",
        "https://app.example.org",
    ],
)
def test_own_pages_and_named_ones_may(origin: str | None) -> None:
    """The own host, a host of the settings, and whoever is no browser are let in."""
    assert admitted(origin, HOST, ["https://app.example.org/"])


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "*",
        "http://evil.example",
        "http://meet.example.org",
        "http://meet.example.org:8080.evil.example",
        "http://evil.example/?meet.example.org:8080",
        "file://meet.example.org:8080",
        "http://app.example.org",
        "https://app.example.org.evil.example",
        "meet.example.org:8080",
    ],
)
def test_others_may_not(origin: str) -> None:
    """Any other origin is refused, however close it looks."""
    assert not admitted(origin, HOST, ["https://app.example.org"])


def test_no_host_is_nobody_s_own() -> None:
    """An empty origin does not equal a missing Host header."""
    assert not admitted("http://", "", [])
