"""A call from domain to domain says what a wire could carry, and goes no deeper than it may."""

import pytest

from meeting.kernel.call import MAX_DEPTH, Call, Caller, Role
from meeting.kernel.errors import Fault, Kind


def test_onward_says_who_is_acted_for_and_no_more() -> None:
    """Role, name, token and address stay where they were; deadline and request id travel."""
    caller = Caller(
        user_id=7,
        username="ann",
        role=Role.ADMIN,
        token_id="jti",
        token_until=9,
        address="192.0.2.1",
    )
    call = Call(caller=caller, request_id="r", deadline=5.0, key="once")
    onward = call.onward("meeting")
    assert onward.caller == Caller(user_id=7, service="meeting")
    assert onward == Call(caller=onward.caller, request_id="r", deadline=5.0, depth=1)


def test_no_deeper_than_it_may() -> None:
    """The call behind the last one is a defect of ours."""
    call = Call(caller=Caller(user_id=7), request_id="r", depth=MAX_DEPTH)
    with pytest.raises(Fault) as caught:
        call.onward("meeting")
    assert caught.value.kind is Kind.INTERNAL


def test_services_alone() -> None:
    """Who is no service is refused, also one who acts for nobody."""
    Caller(service="media", user_id=7).serves()
    for caller in (Caller(), Caller(user_id=7, role=Role.SUPER)):
        with pytest.raises(Fault) as caught:
            caller.serves()
        assert caught.value.kind is Kind.FORBIDDEN
