"""Which headers travel on through the gateway."""

import pytest
from multidict import CIMultiDict

from meeting.kernel.errors import Fault
from meeting.transports.gateway import headers


def test_what_is_for_one_hop_stays_behind() -> None:
    """The standard's names, and those that Connection adds; all others pass, also twice."""
    given = CIMultiDict(
        [
            ("Connection", "close, X-One"),
            ("Connection", "x-two ,Host"),
            ("Keep-Alive", "5"),
            ("TE", "trailers"),
            ("Trailer", "X"),
            ("Transfer-Encoding", "chunked"),
            ("Upgrade", "h2c"),
            ("HTTP2-Settings", "x"),
            ("Proxy-Authorization", "x"),
            ("Content-Length", "1"),
            ("Expect", "100-continue"),
            ("X-One", "1"),
            ("X-Two", "2"),
            ("Accept", "a"),
            ("Accept", "b"),
            ("Host", "x"),
        ]
    )
    passed = [("Accept", "a"), ("Accept", "b"), ("Host", "x")]
    assert list(headers.request(given, {}).items()) == passed
    assert list(headers.answer(given).items()) == [*passed, ("Server", "meeting")]


def test_nobody_takes_our_word_away() -> None:
    """A client that names our headers in Connection, or writes them itself, changes nothing."""
    given = CIMultiDict(
        [
            ("Connection", "x-forwarded-for, x-forwarded-mark"),
            ("x-forwarded-FOR", "6.6.6.6"),
            ("X-Forwarded-Mark", "x"),
            ("X-Forwarded-Prefix", "/x"),
            ("FORWARDED", "for=6.6.6.6"),
        ]
    )
    ours = {"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Mark": "m"}
    assert dict(headers.request(given, ours)) == ours


def test_the_handshake_is_each_hop_s() -> None:
    """Key, version, extensions and protocols of a WebSocket are not told on."""
    given = CIMultiDict(
        [
            ("Sec-WebSocket-Key", "x"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Extensions", "permessage-deflate"),
            ("Sec-WebSocket-Protocol", "p"),
            ("Origin", "https://x"),
        ]
    )
    assert dict(headers.handshake(given, {})) == {"Origin": "https://x"}


@pytest.mark.parametrize(
    ("pairs", "version", "field"),
    [
        ([("Transfer-Encoding", "chunked")], (1, 0), "Transfer-Encoding"),
        ([("Transfer-Encoding", "gzip, chunked")], (1, 1), "Transfer-Encoding"),
        ([("Transfer-Encoding", "chunked"), ("Content-Length", "1")], (1, 1), "Transfer-Encoding"),
        ([("Content-Length", "1"), ("Content-Length", "1")], (1, 1), "Content-Length"),
        ([("Upgrade", "x"), ("Content-Length", "1")], (1, 1), "Upgrade"),
        ([("Host", "y")], (1, 1), "Host"),
    ],
)
def test_a_head_has_one_meaning(
    pairs: list[tuple[str, str]], version: tuple[int, int], field: str
) -> None:
    """What a proxy and an owner could read differently is refused, whatever the parser thinks."""
    with pytest.raises(Fault) as caught:
        headers.check(CIMultiDict([("Host", "x"), *pairs]), "/", version)
    assert list(caught.value.details) == [field]


def test_a_good_head_passes() -> None:
    """One host, one framing."""
    headers.check(CIMultiDict([("Host", "x"), ("Transfer-Encoding", "Chunked")]), "/a?b", (1, 1))
    headers.check(CIMultiDict([("Host", "x"), ("Content-Length", "5")]), "/", (1, 1))
    headers.check(CIMultiDict(), "/", (1, 0))
    with pytest.raises(Fault):
        headers.check(CIMultiDict(), "/", (1, 1))
