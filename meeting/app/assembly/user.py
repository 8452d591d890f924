"""The user domain."""

import msgspec

from meeting.app.assembly import mail
from meeting.app.assembly.part import Part
from meeting.app.assembly.stores import Stores, beside, fit
from meeting.app.assembly.workers import Desk
from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.modules import USER
from meeting.domains.user.accounts import Accounts
from meeting.domains.user.logins import Logins
from meeting.domains.user.presence import Presences
from meeting.domains.user.profile import Profiles
from meeting.domains.user.service import UserService
from meeting.domains.user.sessions import Sessions
from meeting.domains.user.tasks import (
    QUEUE,
    UserLogin,
    UserProfileUpdate,
    UserRegister,
    UserStatusChange,
)
from meeting.domains.user.welcome import Welcome
from meeting.kernel.call import Call, Caller
from meeting.kernel.clock import Clock, SystemClock
from meeting.kernel.ids import Ids, RandomIds
from meeting.kernel.password import Passwords
from meeting.kernel.token import Tokens
from meeting.stores.relational.unit import SqlUnits
from meeting.stores.relational.user import SqlUserUnit
from meeting.transports.grpc.user import served
from meeting.transports.http import user as user_routes
from meeting.transports.http.envelope import Envelopes
from meeting.transports.http.limits import Limits, Window


class Users(msgspec.Struct, frozen=True):
    """The user domain of this process."""

    part: Part
    service: UserService


def make(
    config: Config,
    kept: Stores,
    passwords: Passwords,
    tokens: Tokens,
    limits: Limits,
    clock: Clock,
    ids: Ids,
) -> Users:
    """Make the user domain."""
    units = kept.rows.units(SqlUserUnit)
    profiles = Profiles(units)
    logins = Logins(units, clock)
    presences = Presences(units, clock)
    desk = Desk(
        QUEUE,
        {
            UserRegister: Welcome(units, mail.make(config, clock), clock, ids),
            UserLogin: logins,
            UserProfileUpdate: profiles,
            UserStatusChange: presences,
        },
    )
    routes = user_routes.routes(
        accounts=Accounts(units, passwords, clock),
        sessions=Sessions(units, passwords, tokens, clock, ids),
        profiles=profiles,
        logins=logins,
        by_account=Window(limits.per_account, clock),
        envelope=Envelopes(clock),
    )

    async def stop() -> None:
        passwords.close()

    service = UserService(units, tokens, presences)
    module = Module(USER, stop=stop)
    part = Part(module=module, routes=routes, rpcs=served(service), desks=[desk])
    return Users(part=part, service=service)


async def promote(config: Config, name: str) -> None:
    """Make a user an admin, beside a server that may be running on the same folder."""
    database = beside(config)
    clock, ids = SystemClock(), RandomIds()
    passwords = Passwords()
    try:
        await fit(database)
        units = SqlUnits(database, SqlUserUnit, clock, ids)
        call = Call(caller=Caller(service="cli"), request_id=ids.new())
        await Accounts(units, passwords, clock).promote(call, name)
    finally:
        passwords.close()
        await database.close()
