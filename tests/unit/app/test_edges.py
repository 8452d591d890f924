"""A direct call from domain to domain is held to what a wire would hold it to."""

import asyncio
import math

import pytest

from meeting.app.assembly.edges import direct
from meeting.domains.user.api import Identity, Person
from meeting.kernel.call import Call, Caller
from meeting.kernel.errors import Fault, Kind
from tests.clock import MovingClock

CALL = Call(caller=Caller(service="meeting"), request_id="r", depth=1)


class Users:
    """A user domain that answers, or never does."""

    async def validate_token(self, call: Call, token: str) -> Identity:
        """Answer at once."""
        return Identity(valid=True, user_id=7, username=token)

    async def get_user(self, call: Call, user_id: int) -> Person:
        """Never answer."""
        await asyncio.Event().wait()
        raise AssertionError

    async def update_user_status(self, call: Call, user_id: int, status: str) -> None:
        """Fail by itself in the way a limit does."""
        raise TimeoutError


async def test_answer_passes() -> None:
    """What the domain answers comes back as it is."""
    users = direct(Users(), "user", MovingClock(), 2.0)
    assert (await users.validate_token(CALL, "t")).username == "t"


@pytest.mark.parametrize(("seconds", "left"), [(0.01, math.inf), (2.0, 0.01), (2.0, -1.0)])
async def test_too_long(seconds: float, left: float) -> None:
    """The shorter of the bound and the caller's deadline ends a call, naming who was waited for."""
    clock = MovingClock()
    users = direct(Users(), "user", clock, seconds)
    call = Call(caller=CALL.caller, request_id="r", deadline=clock.monotonic() + left)
    with pytest.raises(Fault, match="user took too long") as caught:
        await users.get_user(call, 7)
    assert (caught.value.kind, caught.value.details) == (Kind.DEADLINE, {"peer": "user"})


async def test_another_timeout() -> None:
    """A timeout of the domain's own is a defect of its, not the end of the caller's patience."""
    with pytest.raises(TimeoutError):
        await direct(Users(), "user", MovingClock(), 2.0).update_user_status(CALL, 7, "busy")
