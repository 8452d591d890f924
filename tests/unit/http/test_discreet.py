"""What holds a secret does not show it."""

from collections.abc import Iterator

import msgspec

from meeting.transports.http import signaling, user
from meeting.transports.http.discreet import Discreet
from meeting.transports.http.meeting import bodies, views

SECRET = {"password", "token", "refresh_token", "session_token", "ticket"}


def shapes() -> Iterator[type[msgspec.Struct]]:
    """List the bodies and views of all routes."""
    for module in (user, signaling, bodies, views):
        for shape in vars(module).values():
            own = isinstance(shape, type) and shape.__module__ == module.__name__
            if own and issubclass(shape, msgspec.Struct):
                yield shape


def test_every_shape_with_a_secret_is_discreet() -> None:
    """A field for a password or a token makes a struct one that prints its name alone."""
    found = {shape for shape in shapes() if SECRET & set(shape.__struct_fields__)}
    assert {shape.__name__ for shape in found} >= {"CreateBody", "LoginBody", "JoinView"}
    for shape in found:
        assert issubclass(shape, Discreet), shape


def test_its_name_is_all_it_shows() -> None:
    """Neither a password nor anything beside it is printed."""
    assert repr(user.LoginBody(username="ann", password="hunter22")) == "LoginBody(…)"
    login = msgspec.json.decode(b'{"username":"ann","password":"hunter22"}', type=user.LoginBody)
    assert "hunter22" not in f"{login} {[login]}"
