"""Tokens are opened only as what they were sealed for, by the one algorithm, until they end."""

import base64
import hashlib
import json
from datetime import timedelta

import jwt
import pytest
from hypothesis import given, strategies as st

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import RandomIds
from meeting.kernel.secret import Secret
from meeting.kernel.token import ACCESS_LIFE, TICKET_LIFE, Tokens, bearer
from tests.clock import MovingClock

SECRET = "k" * 40


def made(secret: str = SECRET) -> tuple[Tokens, MovingClock]:
    """Make tokens on a clock that stands still."""
    clock = MovingClock()
    return Tokens(Secret(secret), clock, RandomIds()), clock


def kind_of(tokens: Tokens, token: str, *kinds: str) -> Kind:
    """Expect a refusal and return its kind."""
    with pytest.raises(Fault) as caught:
        tokens.open(token, *kinds)
    return caught.value.kind


def test_round_trip() -> None:
    """What was sealed is what is opened, with the claims of the contract."""
    tokens, _ = made()
    token, claims = tokens.access(7, "ann", "ann@example.org")
    assert tokens.open(token, "access") == claims
    raw = jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_exp": False})
    assert raw["iss"] == "meeting-system"
    assert raw["sub"] == "7"
    assert raw["exp"] - raw["iat"] == 24 * 3600
    assert {"user_id", "username", "email", "nbf", "jti", "kind"} <= raw.keys()


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer a.b-c_d~e+f/g=", "a.b-c_d~e+f/g="),
        ("bearer a", "a"),
        ("BEARER   a ", "a"),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Bearera", None),
        ("Bearer a b", None),
        ("Bearer a\n", None),
        ("Bearer \xff", None),
        ("Basic a", None),
        (" Bearer a", None),
    ],
)
def test_a_header_is_a_bearer_s_or_not(header: str, token: str | None) -> None:
    """The scheme in any case, then one token of the characters that tokens have."""
    assert bearer(header) == token


def test_kinds_stay_apart() -> None:
    """A ticket is no access token and an access token no ticket."""
    tokens, _ = made()
    token, claims = tokens.access(7, "ann", "")
    ticket = tokens.ticket(7, "ann", claims.jti, until=claims.exp, meeting_id=1)
    assert kind_of(tokens, ticket, "access") is Kind.UNAUTHENTICATED
    assert kind_of(tokens, token, "ticket") is Kind.UNAUTHENTICATED
    assert tokens.open(ticket, "ticket").parent == claims.jti


def test_end() -> None:
    """At its very end a token is over."""
    tokens, clock = made()
    token, claims = tokens.access(7, "ann", "")
    ticket = tokens.ticket(7, "ann", claims.jti, until=claims.exp)
    clock.move(TICKET_LIFE)
    assert kind_of(tokens, ticket, "ticket") is Kind.TOKEN_EXPIRED
    tokens.open(token, "access")
    clock.move(ACCESS_LIFE - TICKET_LIFE - timedelta(seconds=1))
    tokens.open(token, "access")
    clock.move(timedelta(seconds=1))
    assert kind_of(tokens, token, "access") is Kind.TOKEN_EXPIRED


def test_other_secret() -> None:
    """A token of another secret is none, such as the one that the Go system had committed."""
    tokens, _ = made()
    other, _ = made("meeting-system-secret-key-change-in-production")
    token, _ = other.access(7, "ann", "")
    assert kind_of(tokens, token, "access") is Kind.UNAUTHENTICATED


@pytest.mark.parametrize("algorithm", ["none", "HS512"])
def test_other_algorithm(algorithm: str) -> None:
    """No other algorithm is accepted, least of all none."""
    tokens, _ = made()
    token, _ = tokens.access(7, "ann", "")
    payload = jwt.decode(token, options={"verify_signature": False})
    key = "" if algorithm == "none" else SECRET.ljust(64, "k")
    forged = jwt.encode(payload, key, algorithm=algorithm)
    assert kind_of(tokens, forged, "access") is Kind.UNAUTHENTICATED


def test_changed_claims() -> None:
    """A token whose claims were changed after sealing is refused."""
    tokens, _ = made()
    token, _ = tokens.access(7, "ann", "")
    head, body, seal = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims |= {"user_id": 1, "sub": "1"}
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    assert kind_of(tokens, f"{head}.{forged}.{seal}", "access") is Kind.UNAUTHENTICATED


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    """No text that somebody may send is more than a refusal."""
    tokens, _ = made()
    assert kind_of(tokens, text, "access") is Kind.UNAUTHENTICATED


@given(st.binary(max_size=64))
def test_a_mark_needs_the_secret(data: bytes) -> None:
    """The same data has the same mark; without the secret nobody can make it."""
    tokens, _ = made()
    assert tokens.mark(data) == tokens.mark(data)
    assert tokens.mark(data) != made("x" * 40)[0].mark(data)
    assert tokens.mark(data) != hashlib.sha256(data).hexdigest()
