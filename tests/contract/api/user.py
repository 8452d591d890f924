"""What `UserApi` promises, wherever the user domain runs."""

from typing import Any, Protocol

from meeting.domains.user.api import MOST, UserApi
from meeting.kernel.call import Call, Role
from meeting.kernel.errors import Kind
from meeting.kernel.ids import MAX_ID
from tests.contract.api.faults import refused


class World(Protocol):
    """A user domain without accounts, and ways to fill it and to read it back."""

    @property
    def users(self) -> UserApi:
        """Return the adapter under test."""

    def by(self, user_id: int) -> Call:
        """Make the call of a user."""

    def service(self, user_id: int = 0) -> Call:
        """Make the call of a service, on behalf of a user or of nobody."""

    async def person(self, name: str) -> int:
        """Register somebody with an e-mail address at example.org; return the id."""

    async def token(self, name: str) -> str:
        """Log somebody in."""

    async def logout(self, token: str) -> None:
        """End a token."""

    async def ban(self, user_id: int) -> None:
        """Ban an account."""

    async def over(self) -> None:
        """Let the life of every token that was given out pass."""

    async def announced(self) -> list[dict[str, Any]]:
        """Return the payloads of all user.status_changed that were announced, in order."""


async def whole_to_services_and_to_itself(world: World) -> None:
    """Every field, the account's status among them."""
    ann = await world.person("ann")
    for call in (world.service(), world.by(ann)):
        found = await world.users.get_user(call, ann)
        assert (found.id, found.username, found.email) == (ann, "ann", "ann@example.org")
        assert found.status == "active"
        assert found.created_at is not None
        assert found.created_at.utcoffset() is not None


async def names_alone_to_others(world: World) -> None:
    """A user sees of another who it is, and no more."""
    ann, bob = await world.person("ann"), await world.person("bob")
    found = await world.users.get_user(world.by(bob), ann)
    assert (found.id, found.username) == (ann, "ann")
    assert (found.email, found.status, found.created_at) == ("", "", None)


async def unknown(world: World) -> None:
    """Nobody has these ids, whether they could have them or not."""
    for user_id in (0, 7, MAX_ID, MAX_ID + 1):
        await refused(world.users.get_user(world.service(), user_id), Kind.USER_NOT_FOUND)


async def several(world: World) -> None:
    """In the order asked for, each once, the unknown left out; whole, since services ask."""
    ann, bob = await world.person("ann"), await world.person("bob")
    found = await world.users.get_users_by_ids(world.service(), [bob, 999, 0, ann, bob])
    assert [each.username for each in found] == ["bob", "ann"]
    assert found[1] == await world.users.get_user(world.service(), ann)
    assert await world.users.get_users_by_ids(world.service(), []) == []


async def bounded(world: World) -> None:
    """As many as the contract says, and not one more."""
    ann = await world.person("ann")
    ids = [ann] * MOST
    assert len(await world.users.get_users_by_ids(world.service(), ids)) == 1
    await refused(
        world.users.get_users_by_ids(world.service(), [*ids, ann]), Kind.VALIDATION, "user_ids"
    )


async def services_alone(world: World) -> None:
    """A user may neither list users nor say who is there, not even of themselves."""
    ann = await world.person("ann")
    await refused(world.users.get_users_by_ids(world.by(ann), [ann]), Kind.FORBIDDEN)
    await refused(world.users.update_user_status(world.by(ann), ann, "online"), Kind.FORBIDDEN)


async def valid(world: World) -> None:
    """A good token says whose it is, as often as it is shown."""
    ann = await world.person("ann")
    token = await world.token("ann")
    for call in (world.service(), world.by(ann)):
        found = await world.users.validate_token(call, token)
        assert (found.valid, found.error) == (True, "")
        assert (found.user_id, found.username, found.role) == (ann, "ann", Role.USER)


async def invalid(world: World) -> None:
    """A bad one is answered by why it is bad, never by an error, and says nothing of anybody."""
    ann, _ = await world.person("ann"), await world.person("bob")
    out, banned = await world.token("bob"), await world.token("ann")
    await world.logout(out)
    await world.ban(ann)
    over = await world.token("bob")
    answers = {"": "malformed", "a.b.c": "malformed", out: "revoked", banned: "banned"}
    for token, error in answers.items():
        found = await world.users.validate_token(world.service(), token)
        assert (found.valid, found.error, found.user_id, found.username) == (False, error, 0, "")
    await world.over()
    assert (await world.users.validate_token(world.service(), over)).error == "expired"


async def present(world: World) -> None:
    """A change of presence is announced, once; the same word again changes nothing."""
    ann = await world.person("ann")
    for status in ("online", "online", "away"):
        await world.users.update_user_status(world.service(), ann, status)
    assert await world.announced() == [
        {"user_id": ann, "old_status": "offline", "new_status": "online"},
        {"user_id": ann, "old_status": "online", "new_status": "away"},
    ]


async def no_presence(world: World) -> None:
    """An unknown word is refused before an unknown user is."""
    setting = world.users.update_user_status
    await refused(setting(world.service(), 7, "gone"), Kind.VALIDATION, "status")
    await refused(setting(world.service(), 7, "online"), Kind.USER_NOT_FOUND)
    assert not await world.announced()


PROMISES = (
    whole_to_services_and_to_itself,
    names_alone_to_others,
    unknown,
    several,
    bounded,
    services_alone,
    valid,
    invalid,
    present,
    no_presence,
)
