"""Who stands behind our own gateway: the address that it vouches for, and nobody else's word."""

import hmac
from collections.abc import Mapping

from meeting.kernel.token import Tokens

FOR = "x-forwarded-for"
MARK = "x-forwarded-mark"


def vouched(address: str, tokens: Tokens) -> dict[str, str]:
    """Return the headers by which the gateway tells an owner the address of a client."""
    return {"X-Forwarded-For": address, "X-Forwarded-Mark": _mark(address, tokens)}


def client(headers: Mapping[str, str], peer: str, tokens: Tokens) -> str:
    """Return the address of whoever asks: what our gateway says it is, else `peer`.

    `headers` have lower-case names. Whoever does not know the signing secret can't make the mark,
    so a client that reaches an owner by itself stays who it is, whatever it claims.
    """
    said, mark = headers.get(FOR, ""), headers.get(MARK, "")
    if said and mark.isascii() and hmac.compare_digest(mark, _mark(said, tokens)):
        return said
    return peer


def _mark(address: str, tokens: Tokens) -> str:
    return tokens.mark(b"gateway\n" + address.encode())
