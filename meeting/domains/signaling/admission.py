"""Who may open a socket: everything that is refused before the upgrade, in the contract's order."""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs

import msgspec

from meeting.domains.signaling.deadline import edge, within
from meeting.domains.signaling.model import PEER_ID, Timings
from meeting.domains.signaling.ports import SignalingUnit
from meeting.domains.signaling.seats import Seat, Seats
from meeting.domains.user.api import UserApi
from meeting.kernel.call import Caller
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.ids import MAX_ID, id_of
from meeting.kernel.ports import Units
from meeting.kernel.token import Claims, Tokens, bearer

FIELDS = 16


class Knock(msgspec.Struct, frozen=True, kw_only=True):
    """What a client shows when it asks for the upgrade."""

    query: str
    authorization: str = ""
    origin_admitted: bool
    address: str
    request_id: str


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """A socket that may be opened."""

    seat: Seat
    caller: Caller
    request_id: str
    meeting_id: int = 0
    """The default of the join frame."""
    peer_id: str = ""
    bound_to: int = 0
    """The one meeting that the ticket is good for; 0: any."""


class Admission:
    """Checks credentials, query and bounds, and spends tickets."""

    def __init__(
        self,
        *,
        tokens: Tokens,
        user: UserApi,
        units: Units[SignalingUnit],
        seats: Seats,
        clock: Clock,
        timings: Timings,
    ) -> None:
        self._tokens = tokens
        self._user = user
        self._units = units
        self._seats = seats
        self._clock = clock
        self._timings = timings
        self.draining = False

    async def admit(self, knock: Knock) -> Admitted:
        """Let a client in, or raise what it is refused with; the seat must be given back."""
        if self.draining:
            raise Fault(Kind.UNAVAILABLE, "this server is going down; connect again in a moment")
        fields = _fields(knock.query)
        token, claims = self._credential(knock, fields)
        until = claims.exp if claims.kind == "access" else claims.until
        seat = self._seats.take(
            claims.user_id, frozenset({claims.jti, claims.parent} - {""}), until
        )
        try:
            caller = await self._known(knock, token, claims)
            admitted = _wishes(knock, fields, claims, seat, caller)
            if claims.kind == "ticket":
                await self._spend(claims)
            if seat.revoked:
                raise Fault(Kind.UNAUTHENTICATED, "the token was revoked; log in again")
        except BaseException:
            self._seats.give_back(seat)
            raise
        return admitted

    def _credential(self, knock: Knock, fields: Mapping[str, list[str]]) -> tuple[str, Claims]:
        if knock.authorization:
            token = bearer(knock.authorization)
            if token is None:
                raise Fault(Kind.UNAUTHENTICATED, "send the header as Authorization: Bearer TOKEN")
            return token, self._tokens.open(token, "access")
        for name, kind in (("token", "access"), ("access_token", "access"), ("ticket", "ticket")):
            if name in fields:
                token = fields[name][0]
                return token, self._tokens.open(token, kind)
        raise Fault(
            Kind.UNAUTHENTICATED, "send a token in the Authorization header, or ?token= or ?ticket="
        )

    async def _known(self, knock: Knock, token: str, claims: Claims) -> Caller:
        """Ask the user domain whether the token still counts."""
        asking = Caller(address=knock.address)
        call = edge(asking, knock.request_id, self._clock, self._timings.call)
        async with within(call, self._clock):
            identity = await self._user.validate_token(call.onward("signaling"), token)
        if not identity.valid:
            kind = Kind.TOKEN_EXPIRED if identity.error == "expired" else Kind.UNAUTHENTICATED
            raise Fault(kind, f"the token is {identity.error}; log in again")
        return Caller(
            user_id=identity.user_id,
            username=identity.username,
            role=identity.role,
            token_id=claims.parent or claims.jti,
            address=knock.address,
        )

    async def _spend(self, claims: Claims) -> None:
        async with self._units.write() as unit:
            if not await unit.spend(claims.jti, datetime.fromtimestamp(claims.exp, UTC)):
                raise Fault(Kind.UNAUTHENTICATED, "the ticket was used before; ask for another")


def _fields(query: str) -> dict[str, list[str]]:
    """Read the query leniently; what is wrong with it is said after the credential is known."""
    try:
        return parse_qs(query, keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError:
        return {"": [query]}


def _wishes(
    knock: Knock, fields: Mapping[str, list[str]], claims: Claims, seat: Seat, caller: Caller
) -> Admitted:
    """Check what the query asks for: malformed is 400, another's is 403."""
    if "" in fields or any("\ufffd" in value for values in fields.values() for value in values):
        raise invalid("query", f"must be UTF-8 with at most {FIELDS} fields")
    for name in ("token", "access_token", "ticket", "meeting_id", "user_id", "peer_id"):
        if len(fields.get(name, ())) > 1:
            raise invalid(name, "may be given once")
    meeting_id = _number(fields, "meeting_id")
    user_id = _number(fields, "user_id")
    peer_id = fields.get("peer_id", [""])[0]
    if "peer_id" in fields and not PEER_ID.fullmatch(peer_id):
        raise invalid("peer_id", "must be 1 to 64 of A-Z a-z 0-9 _ -")
    if not knock.origin_admitted:
        raise Fault(Kind.FORBIDDEN, "pages of this origin may not connect; see http.origins")
    if user_id not in (0, claims.user_id):
        raise Fault(Kind.FORBIDDEN, "user_id is not the token's user; leave it out")
    if claims.meeting_id and meeting_id not in (0, claims.meeting_id):
        raise Fault(Kind.FORBIDDEN, "the ticket is for another meeting")
    if claims.peer_id and peer_id not in ("", claims.peer_id):
        raise Fault(Kind.FORBIDDEN, "the ticket is for another peer_id")
    return Admitted(
        seat=seat,
        caller=caller,
        request_id=knock.request_id,
        meeting_id=meeting_id or claims.meeting_id,
        peer_id=peer_id or claims.peer_id,
        bound_to=claims.meeting_id,
    )


def _number(fields: Mapping[str, list[str]], name: str) -> int:
    if name not in fields:
        return 0
    if (found := id_of(fields[name][0])) is None:
        raise invalid(name, f"must be a whole number from 1 to {MAX_ID}")
    return found
