"""What a Redis may be called, and what it needs beside it."""

import pytest

from meeting.app.config import Config, Postgres, Redis, Wrong
from meeting.app.valid import validate
from meeting.kernel.secret import Secret

DSN = Postgres(dsn=Secret("postgresql://u:p@h/n"))


@pytest.mark.parametrize(
    "url", ["http://:hidden@h", "redis://:hidden@h:x/0", "hidden", "redis+x://"]
)
def test_an_address_that_is_none_is_not_shown(url: str) -> None:
    """The sentence says what is allowed, and nothing of what may be a password."""
    with pytest.raises(Wrong, match=r"redis\.url") as caught:
        validate(Config(postgres=DSN, redis=Redis(url=Secret(url))))
    assert "hidden" not in str(caught.value)


def test_it_needs_a_postgresql() -> None:
    """Redis beside SQLite is refused with what to set; beside PostgreSQL it is taken."""
    chosen = Redis(url=Secret("rediss://:hidden@h:6379/0"))
    with pytest.raises(Wrong, match=r"postgres\.dsn"):
        validate(Config(redis=chosen))
    assert validate(Config(postgres=DSN, redis=chosen)).redis is chosen
