"""Whom a port believes about a client's address."""

import pytest

from meeting.kernel.ids import RandomIds
from meeting.kernel.secret import Secret
from meeting.kernel.token import Tokens
from meeting.transports.http.forwarded import client, vouched
from tests.clock import MovingClock

TOKENS = Tokens(Secret("k" * 32), MovingClock(), RandomIds())
FOREIGN = Tokens(Secret("x" * 32), MovingClock(), RandomIds())


def lower(headers: dict[str, str]) -> dict[str, str]:
    """Write names as a server has them."""
    return {name.lower(): value for name, value in headers.items()}


def test_our_gateway_is_believed() -> None:
    """What carries our mark is the client's address."""
    assert client(lower(vouched("10.0.0.1", TOKENS)), "127.0.0.1", TOKENS) == "10.0.0.1"
    assert client(lower(vouched("2001:db8::1", TOKENS)), "127.0.0.1", TOKENS) == "2001:db8::1"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-forwarded-for": "10.0.0.1"},
        {"x-forwarded-for": "10.0.0.1", "x-forwarded-mark": ""},
        {"x-forwarded-for": "10.0.0.1", "x-forwarded-mark": "\xe9" * 64},
        lower(vouched("10.0.0.1", FOREIGN)),
        lower(vouched("10.0.0.1", TOKENS)) | {"x-forwarded-for": "10.0.0.2"},
        lower(vouched("", TOKENS)),
    ],
)
def test_nobody_else_is(headers: dict[str, str]) -> None:
    """Without a mark, with another's, or with that of another address, the peer is the client."""
    assert client(headers, "192.0.2.1", TOKENS) == "192.0.2.1"
