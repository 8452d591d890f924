"""Ways to send a body over HTTP: true ones, and such that lie about where it ends."""

from typing import NamedTuple

from hypothesis import strategies as st


class Framed(NamedTuple):
    """Headers about the body, the bytes that follow them, and whether that is a whole request."""

    headers: bytes
    payload: bytes
    whole: bool
    honest: bool = False
    """A server has to take it for exactly the body."""


def plain(body: bytes) -> Framed:
    """Say how long it is."""
    return Framed(b"Content-Length: %d" % len(body), body, whole=True, honest=True)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def chunked(body: bytes, *, size: int = 7) -> Framed:
    """Cut it in small chunks."""
    parts = [_chunk(body[at : at + size]) for at in range(0, min(len(body), 400), size)]
    rest = [_chunk(body[400 // size * size + size :])] if len(body) > 400 + size else []
    payload = b"".join([*parts, *rest]) + b"0\r\n\r\n"
    return Framed(b"Transfer-Encoding: chunked", payload, whole=True)


def _lies(body: bytes) -> list[Framed]:
    size = len(body)
    length = b"Content-Length: "
    chunks = b"Transfer-Encoding: chunked"
    return [
        Framed(length + b"%d" % (size + 9), body, whole=False),
        Framed(length + b"%d" % (size // 2), body, whole=True),
        Framed(length + b"0", body, whole=True),
        *(
            Framed(length + lie, body, whole=True)
            for lie in (b"-1", b"+5", b"0x10", b"1e3", b"", b"9" * 30, b"1, 1", b"\xb2")
        ),
        Framed(length + b"41943041", body, whole=True),
        Framed(length + b"%d\r\n%s%d" % (size, length, size + 1), body, whole=True),
        Framed(length + b"%d\r\n%s" % (size, chunks), _chunk(body) + b"0\r\n\r\n", whole=True),
        Framed(chunks + b", gzip", _chunk(body) + b"0\r\n\r\n", whole=True),
        Framed(chunks, _chunk(body), whole=False),
        Framed(chunks, b"%x\r\n%s" % (size + 5, body), whole=False),
        *(
            Framed(chunks, lie + b"\r\n" + body + b"\r\n0\r\n\r\n", whole=True)
            for lie in (b"-1", b"zz", b"f" * 20, b"1;" + b"x" * 9000)
        ),
    ]


@st.composite
def framings(draw: st.DrawFn, body: bytes) -> Framed:
    """Draw a framing, mostly a true one."""
    if draw(st.integers(0, 3)):
        return plain(body)
    return draw(st.sampled_from([chunked(body), chunked(body, size=1000), *_lies(body)]))
