"""REST of the user domain."""

from datetime import datetime
from typing import Annotated, Self

import msgspec
from litestar import get, post, put
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta

from meeting.domains.user.accounts import Accounts, Registration
from meeting.domains.user.logins import Logins
from meeting.domains.user.model import Login, User, fold
from meeting.domains.user.profile import Change, Profiles
from meeting.domains.user.sessions import Sessions
from meeting.kernel.call import Call
from meeting.kernel.errors import invalid
from meeting.kernel.page import Page
from meeting.kernel.secret import Secret
from meeting.transports.http.discreet import Discreet
from meeting.transports.http.envelope import Envelope, Envelopes, Nothing, Paged, paged
from meeting.transports.http.limits import Window

LINE = r"^[^\x00-\x1f\x7f]*\Z"
"""One line of text; `\\Z`, because `$` would let a line break pass at the end."""

Name = Annotated[str, Meta(min_length=3, max_length=20, pattern=r"^[A-Za-z0-9_.-]*\Z")]
Email = Annotated[
    str, Meta(min_length=3, max_length=100, pattern=r"^[^@\s\x00-\x20]+@[^@\s\x00-\x20]+\Z")
]
Password = Annotated[str, Meta(min_length=8, max_length=128)]
Opaque = Annotated[str, Meta(max_length=256)]


class RegisterBody(Discreet, frozen=True, kw_only=True):
    """A new account."""

    username: Name
    email: Email
    password: Password
    nickname: Annotated[str, Meta(max_length=50, pattern=LINE)] | None = None
    phone: Annotated[str, Meta(max_length=20, pattern=LINE)] | None = None


class LoginBody(Discreet, frozen=True, kw_only=True):
    """User name or e-mail address, and password."""

    username: Annotated[str, Meta(min_length=1, max_length=100, pattern=LINE)]
    password: Annotated[str, Meta(min_length=1, max_length=128)]


class RefreshBody(Discreet, frozen=True, kw_only=True):
    """The refresh token, under one of two names."""

    refresh_token: Opaque | None = None
    token: Opaque | None = None


class LogoutBody(Discreet, frozen=True, kw_only=True):
    """A refresh token whose family is to end, too."""

    refresh_token: Opaque | None = None


class ProfileBody(Discreet, frozen=True, kw_only=True):
    """What is to be otherwise; what is absent or null stays."""

    nickname: Annotated[str, Meta(max_length=50, pattern=LINE)] | None = None
    email: Email | None = None
    phone: Annotated[str, Meta(max_length=20, pattern=LINE)] | None = None
    avatar: Annotated[str, Meta(max_length=255, pattern=LINE)] | None = None


class LoginRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the login log."""

    login_time: datetime
    ip_address: str

    @classmethod
    def of(cls, login: Login) -> Self:
        """Show a login to whom it concerns."""
        return cls(login_time=login.login_time, ip_address=login.ip_address)


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """An account as its owner sees it."""

    id: int
    username: str
    email: str
    nickname: str
    avatar: str
    phone: str
    role: int
    role_name: str
    status: int
    status_name: str
    last_login: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        """Show an account to its owner."""
        return msgspec.convert(user, type=cls, from_attributes=True)


class RegisterView(msgspec.Struct, frozen=True):
    """The new account."""

    user: UserView


class TokenView(Discreet, frozen=True, kw_only=True):
    """New credentials; `expires_in` in seconds."""

    token: str
    refresh_token: str
    expires_in: int


class LoginView(TokenView, frozen=True, kw_only=True):
    """New credentials, and whose they are."""

    user: UserView


def routes(
    *,
    accounts: Accounts,
    sessions: Sessions,
    profiles: Profiles,
    logins: Logins,
    by_account: Window,
    envelope: Envelopes,
) -> list[HTTPRouteHandler]:
    """Make the routes; `by_account` bounds how often a password may be tried for one name.

    It counts the name as it was given, known or not, so that it tells nobody which are known.
    """

    @post("/auth/register", status_code=201)
    async def register(data: RegisterBody, call: Call) -> Envelope[RegisterView]:
        """Make an account."""
        by_account.spend(fold(data.username))
        wanted = Registration(
            username=data.username,
            email=data.email,
            password=Secret(data.password),
            nickname=data.nickname or "",
            phone=data.phone or "",
        )
        return envelope(call, RegisterView(UserView.of(await accounts.register(call, wanted))), 201)

    @post("/auth/login", status_code=200)
    async def login(data: LoginBody, call: Call) -> Envelope[LoginView]:
        """Get a token and a refresh token."""
        by_account.spend(fold(data.username))
        session = await sessions.login(call, data.username, data.password)
        shown = LoginView(
            user=UserView.of(session.user),
            token=session.token,
            refresh_token=session.refresh_token,
            expires_in=session.expires_in,
        )
        return envelope(call, shown)

    @post("/auth/refresh", status_code=200)
    async def refresh(data: RefreshBody, call: Call) -> Envelope[TokenView]:
        """Trade a refresh token for new credentials; each is good once."""
        given = data.refresh_token or data.token
        if not given:
            raise invalid("refresh_token", "is required")
        session = await sessions.refresh(call, given)
        shown = TokenView(
            token=session.token,
            refresh_token=session.refresh_token,
            expires_in=session.expires_in,
        )
        return envelope(call, shown)

    @post("/auth/logout", status_code=200)
    async def logout(call: Call, data: LogoutBody | None = None) -> Envelope[Nothing]:
        """End this token and all that came from the same login."""
        await sessions.logout(call, data.refresh_token if data else None)
        return envelope(call, Nothing())

    @get("/users/profile")
    async def profile(call: Call) -> Envelope[UserView]:
        """Return the caller's own account."""
        return envelope(call, UserView.of(await accounts.profile(call)))

    @put("/users/profile")
    async def change(data: ProfileBody, call: Call) -> Envelope[UserView]:
        """Change the caller's own account; the other domains learn of it shortly after."""
        wanted = Change(
            nickname=data.nickname, email=data.email, phone=data.phone, avatar=data.avatar
        )
        return envelope(call, UserView.of(await profiles.update(call, wanted)))

    @get("/users/logins")
    async def log(call: Call, page: Page) -> Envelope[Paged[LoginRow]]:
        """Return one page of the caller's own logins, the newest first."""
        found = await logins.page(call, page)
        return envelope(call, paged(found, page, LoginRow.of))

    return [register, login, refresh, logout, profile, change, log]
