"""The rules on accounts."""

from datetime import UTC, datetime

import msgspec
import pytest

from meeting.domains.user.model import Status, User, fold
from meeting.kernel.call import Caller, Role
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.secret import Secret

ALICE = User(
    id=7,
    username="Alice",
    email="alice@example.org",
    nickname="Alice A.",
    password_hash=Secret("$argon2id$secret"),
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("caller", "whole"),
    [
        (Caller(user_id=7), True),
        (Caller(user_id=8), False),
        (Caller(user_id=8, role=Role.ADMIN), False),
        (Caller(user_id=8, service="meeting"), True),
        (Caller(), False),
    ],
)
def test_who_sees_how_much(caller: Caller, whole: bool) -> None:
    """Services and the user itself see all; others, admins too, see id, name and full name."""
    shown = ALICE.shown_to(caller)
    assert (shown.id, shown.username, shown.full_name) == (7, "Alice", "Alice A.")
    assert (shown.email, shown.status) == (("alice@example.org", "active") if whole else ("", ""))
    assert (shown.created_at is not None) is whole


@pytest.mark.parametrize("status", [Status.BANNED, Status.INACTIVE])
def test_an_account_out_of_use_may_not_enter(status: Status) -> None:
    """Only an active account may be used."""
    ALICE.enter()
    with pytest.raises(Fault) as caught:
        msgspec.structs.replace(ALICE, status=status).enter()
    assert caught.value.kind is Kind.FORBIDDEN


def test_the_hash_is_never_seen() -> None:
    """Neither a log line nor an encoder shows a password hash."""
    assert "argon2id" not in repr(ALICE)
    with pytest.raises(TypeError):
        msgspec.json.encode(ALICE)


def test_names_fold() -> None:
    """Case and blanks around do not make another name."""
    assert fold(" ALICE@Example.org ") == fold("alice@example.org")
