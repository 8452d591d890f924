"""Which headers travel on, and by which a request might mean two things to two readers."""

from collections.abc import Iterable, Mapping

from multidict import CIMultiDict, CIMultiDictProxy

from meeting.kernel.errors import invalid

Pairs = CIMultiDict[str] | CIMultiDictProxy[str]

HOPS = frozenset(
    {
        "connection",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""What is said from one hop to the next (RFC 9110, 7.6.1)."""
FRAMING = frozenset({"content-length", "expect"})
"""What each hop says anew of the body that it sends."""
CLAIMED = frozenset({"forwarded", "x-real-ip"})
"""What tells of the client, beside all that begins with `x-forwarded-`: ours alone counts."""
KEPT = frozenset({"host", "content-type"})
"""What a `Connection` header can't take away."""


def check(headers: Pairs, target: str, version: tuple[int, int]) -> None:
    """Refuse a head that could be read in two ways, here and at the owner.

    The parser is strict already; what it takes and a proxy must not is refused here.
    """
    if not target.startswith("/") or not target.isascii() or "#" in target:
        raise invalid("path", "must begin with / and be ASCII, without #")
    codings = headers.getall("Transfer-Encoding", [])
    lengths = headers.getall("Content-Length", [])
    if codings and (
        lengths or version < (1, 1) or [one.strip().lower() for one in codings] != ["chunked"]
    ):
        raise invalid("Transfer-Encoding", "must be chunked, alone, and without Content-Length")
    if len(lengths) > 1:
        raise invalid("Content-Length", "must be there once")
    if "Upgrade" in headers and (codings or lengths not in ([], ["0"])):
        raise invalid("Upgrade", "must come without a body")
    hosts = headers.getall("Host", [])
    if len(hosts) > 1 or (not hosts and version >= (1, 1)):
        raise invalid("Host", "must be there once")


def expects(headers: Pairs, version: tuple[int, int]) -> bool:
    """Tell whether a client waits for `100 Continue` before it sends its body."""
    wanted = headers.get("Expect", "").strip().lower()
    if wanted and wanted != "100-continue":
        raise invalid("Expect", "must be 100-continue")
    return bool(wanted) and version >= (1, 1)


def request(headers: Pairs, ours: Mapping[str, str]) -> CIMultiDict[str]:
    """Return what an owner is to see: what the client says to it, and `ours` over that."""
    found = _through(headers)
    for name in [name for name in found if name.lower().startswith("x-forwarded-")]:
        found.popall(name, None)
    for name in CLAIMED:
        found.popall(name, None)
    found.update(ours)
    return found


def handshake(headers: Pairs, ours: Mapping[str, str]) -> CIMultiDict[str]:
    """Return what an owner is to see of a request for a WebSocket; the handshake is each hop's."""
    found = request(headers, ours)
    for name in [name for name in found if name.lower().startswith("sec-websocket-")]:
        found.popall(name, None)
    return found


def answer(headers: Pairs) -> CIMultiDict[str]:
    """Return what a client is to see of an owner's answer; its length is for the caller to add."""
    found = _through(headers)
    found.setdefault("Server", "meeting")  # or the library names itself and its version
    return found


def length(headers: Pairs) -> int | None:
    """Return the length that a body declares; None where it is chunked or there is none."""
    said = headers.get("Content-Length")
    if said is None:
        return None
    if not said.isascii() or not said.isdigit() or len(said) > 18:
        raise invalid("Content-Length", "must be a number")
    return int(said)


def _through(headers: Pairs) -> CIMultiDict[str]:
    dropped = HOPS | FRAMING | (_named(headers.getall("Connection", [])) - KEPT)
    return CIMultiDict(
        (name, value) for name, value in headers.items() if name.lower() not in dropped
    )


def _named(connection: Iterable[str]) -> frozenset[str]:
    """List the headers that a `Connection` header says are for this hop alone."""
    return frozenset(name.strip().lower() for one in connection for name in one.split(","))
