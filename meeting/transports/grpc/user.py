"""UserService, both ways: what others call here, and the `UserApi` of a user domain elsewhere."""

from collections.abc import Sequence

from meeting.domains.user.api import Identity, Person, UserApi
from meeting.kernel.call import Call, Role
from meeting.transports.grpc import alike
from meeting.transports.grpc.channel import Channel
from meeting.transports.grpc.messages.google.protobuf import Empty
from meeting.transports.grpc.messages.grpc import (
    GetUserRequest,
    GetUserResponse,
    GetUsersByIdsRequest,
    GetUsersByIdsResponse,
    UpdateUserStatusRequest,
    ValidateTokenRequest,
    ValidateTokenResponse,
)
from meeting.transports.grpc.method import method
from meeting.transports.grpc.service import Rpc, service

_ERRORS = ("", "expired", "revoked", "malformed", "banned")
_ROLES = {role.name.lower(): role for role in Role}


def person_out(person: Person) -> GetUserResponse:
    """Write a person."""
    return alike.message(GetUserResponse, person)


def person_in(wire: GetUserResponse) -> Person:
    """Read a person."""
    return alike.struct(Person, wire)


def identity_out(identity: Identity) -> ValidateTokenResponse:
    """Write whose token it is."""
    return alike.message(ValidateTokenResponse, identity, role=identity.role.name.lower())


def identity_in(wire: ValidateTokenResponse) -> Identity:
    """Read whose token it is; of words that are not known here the least is made."""
    error = wire.error if wire.error in _ERRORS else "malformed"
    return alike.struct(Identity, wire, error=error, role=_ROLES.get(wire.role, Role.GUEST))


def served(users: UserApi) -> list[Rpc]:
    """Make UserService of the user domain."""

    async def get_user(call: Call, asked: GetUserRequest) -> GetUserResponse:
        return person_out(await users.get_user(call, asked.user_id))

    async def validate_token(call: Call, asked: ValidateTokenRequest) -> ValidateTokenResponse:
        return identity_out(await users.validate_token(call, asked.token))

    async def get_users(call: Call, asked: GetUsersByIdsRequest) -> GetUsersByIdsResponse:
        found = await users.get_users_by_ids(call, asked.user_ids)
        return GetUsersByIdsResponse(users=[person_out(each) for each in found])

    async def update_user_status(call: Call, asked: UpdateUserStatusRequest) -> Empty:
        await users.update_user_status(call, asked.user_id, asked.status)
        return Empty()

    return service(
        "UserService",
        {
            "GetUser": get_user,
            "ValidateToken": validate_token,
            "GetUsersByIds": get_users,
            "UpdateUserStatus": update_user_status,
        },
    )


class UserClient:
    """Satisfies `UserApi` by calls to another process."""

    _get_user = method("/grpc.UserService/GetUser", repeat=True)
    _get_users = method("/grpc.UserService/GetUsersByIds", repeat=True)
    _validate_token = method("/grpc.UserService/ValidateToken", repeat=True)
    _update_user_status = method("/grpc.UserService/UpdateUserStatus", repeat=True)

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def validate_token(self, call: Call, token: str) -> Identity:
        """Check an access token or ticket: seal, expiry, revocation, account; never consumes it."""
        asked = ValidateTokenRequest(token=token)
        return identity_in(await self._channel.call(self._validate_token, call, asked))

    async def get_user(self, call: Call, user_id: int) -> Person:
        """Return one user; `user_not_found` where there is none."""
        asked = GetUserRequest(user_id=user_id)
        return person_in(await self._channel.call(self._get_user, call, asked))

    async def get_users_by_ids(self, call: Call, ids: Sequence[int]) -> list[Person]:
        """Return the users of up to 1000 ids, for services; unknown ones are left out."""
        asked = GetUsersByIdsRequest(user_ids=list(ids))
        answer = await self._channel.call(self._get_users, call, asked)
        return [person_in(each) for each in answer.users]

    async def update_user_status(self, call: Call, user_id: int, status: str) -> None:
        """Set a user's presence: online, away, busy or offline; for services alone."""
        asked = UpdateUserStatusRequest(user_id=user_id, status=status)
        await self._channel.call(self._update_user_status, call, asked)
