"""Signed credentials: what a token says, and the one place where it is sealed and opened.

HS256 alone is accepted, and the kind is part of what is checked, so that an access token never
passes for a ticket or the other way round.
"""

import hmac
import re
from datetime import datetime, timedelta
from typing import Any, Literal

import jwt
import msgspec

from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import Ids
from meeting.kernel.secret import Secret

ISSUER = "meeting-system"
ACCESS_LIFE = timedelta(hours=24)
TICKET_LIFE = timedelta(seconds=60)


_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*) *")


def bearer(authorization: str) -> str | None:
    """Read the token out of an `Authorization: Bearer …` header (RFC 6750); None if it has none."""
    found = _BEARER.fullmatch(authorization)
    return found[1] if found else None


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a sealed token says about its bearer."""

    user_id: int
    username: str
    email: str = ""
    kind: Literal["access", "ticket"]
    jti: str
    iat: int
    exp: int
    parent: str = ""
    """For a ticket: the `jti` of the access token that asked for it, whose end is its own."""
    until: int = 0
    """For a ticket: when that token is over, and with it whatever the ticket opened."""
    meeting_id: int = 0
    peer_id: str = ""


class Tokens:
    """What needs the signing secret: seals and opens tokens, and marks data."""

    def __init__(self, secret: Secret, clock: Clock, ids: Ids) -> None:
        self._secret = secret
        self._clock = clock
        self._ids = ids

    def access(self, user_id: int, username: str, email: str) -> tuple[str, Claims]:
        """Seal an access token, good for 24 hours."""
        claims = self._claims(
            user_id=user_id, username=username, email=email, kind="access", life=ACCESS_LIFE
        )
        return self._seal(claims), claims

    def ticket(
        self,
        user_id: int,
        username: str,
        parent: str,
        *,
        until: int,
        meeting_id: int = 0,
        peer_id: str = "",
    ) -> str:
        """Seal a ticket, good for 60 seconds; that it is used once is up to who accepts it."""
        return self._seal(
            self._claims(
                user_id=user_id,
                username=username,
                kind="ticket",
                life=TICKET_LIFE,
                parent=parent,
                until=until,
                meeting_id=meeting_id,
                peer_id=peer_id,
            )
        )

    def open(self, token: str, *kinds: str) -> Claims:
        """Check signature, issuer, expiry and kind, and return the claims."""
        try:
            raw: dict[str, Any] = jwt.decode(
                token,
                self._secret.reveal(),
                algorithms=["HS256"],
                issuer=ISSUER,
                options={
                    "require": ["exp", "iat", "iss", "sub", "jti"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            claims = msgspec.convert(raw, type=Claims)
        except (jwt.InvalidTokenError, msgspec.ValidationError, UnicodeError) as error:
            raise Fault(
                Kind.UNAUTHENTICATED, "the token is not one of ours; log in again"
            ) from error
        if claims.kind not in kinds or raw["sub"] != str(claims.user_id):
            raise Fault(Kind.UNAUTHENTICATED, "this token is not meant for that; log in again")
        if self._clock.now().timestamp() >= claims.exp:
            raise Fault(Kind.TOKEN_EXPIRED, "the token is over; refresh it or log in again")
        return claims

    def _claims(
        self,
        *,
        user_id: int,
        username: str,
        kind: Literal["access", "ticket"],
        life: timedelta,
        email: str = "",
        parent: str = "",
        until: int = 0,
        meeting_id: int = 0,
        peer_id: str = "",
    ) -> Claims:
        now: datetime = self._clock.now()
        return Claims(
            user_id=user_id,
            username=username,
            email=email,
            kind=kind,
            jti=self._ids.new(),
            iat=int(now.timestamp()),
            exp=int((now + life).timestamp()),
            parent=parent,
            until=until,
            meeting_id=meeting_id,
            peer_id=peer_id,
        )

    def mark(self, data: bytes) -> str:
        """Return a keyed hash, by which the same data is known again and a guess can't be tried.

        No token is ever sealed over bytes that begin with a zero, so a mark is never a signature.
        """
        return hmac.new(self._secret.reveal().encode(), b"\0" + data, "sha256").hexdigest()

    def _seal(self, claims: Claims) -> str:
        payload = msgspec.to_builtins(claims)
        payload |= {"iss": ISSUER, "sub": str(claims.user_id), "nbf": claims.iat}
        return jwt.encode(payload, self._secret.reveal(), algorithm="HS256")
