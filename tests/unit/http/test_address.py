"""Where a client is told to open its socket."""

import pytest

from meeting.transports.http.address import socket_url

OWN = "http://0.0.0.0:8080"


@pytest.mark.parametrize(
    "host",
    ["192.0.2.7:8080", "meet.example.org", "MEET.example.org:65535", "[2001:db8::7]:80", "[::1]"],
)
def test_a_client_comes_back_the_way_it_came(host: str) -> None:
    """Without a public address the request's own Host is the place."""
    assert socket_url("", host, OWN) == f"ws://{host}/ws"


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example/x?",
        "user@evil.example",
        "meet.example.org:99999",
        "meet.example.org:",
        "meet.example.org:80\n",
        "a b",
        "::1",
        "[::1",
        "[::1]x",
        "-x",
        "meet\u0660.example",
        "x" * 300,
        "http://meet.example.org",
    ],
)
def test_what_is_no_host_does_not_count(host: str) -> None:
    """A header that is more, or less, than a host and a port is not repeated to anybody."""
    assert socket_url("", host, OWN) == "ws://0.0.0.0:8080/ws"


def test_the_public_address_stands_over_all() -> None:
    """What the operator says is said, with its scheme."""
    said = socket_url("https://meet.example.org", "10.0.0.1:8080", OWN)
    assert said == "wss://meet.example.org/ws"
