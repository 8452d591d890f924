"""REST of the signaling domain."""

from typing import Annotated

import msgspec
from litestar import post
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta

from meeting.domains.signaling.model import PeerId
from meeting.domains.signaling.tickets import Tickets
from meeting.kernel.call import Call
from meeting.kernel.ids import MAX_ID
from meeting.kernel.token import TICKET_LIFE
from meeting.transports.http.discreet import Discreet
from meeting.transports.http.envelope import Envelope, Envelopes


class TicketBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a ticket is to be bound to beside its user."""

    meeting_id: Annotated[int, Meta(ge=1, le=MAX_ID)] | None = None
    peer_id: PeerId | None = None


class TicketView(Discreet, frozen=True, kw_only=True):
    """A ticket that opens one socket; `expires_in` in seconds."""

    ticket: str
    expires_in: int = int(TICKET_LIFE.total_seconds())


def routes(tickets: Tickets, envelope: Envelopes) -> list[HTTPRouteHandler]:
    """Make the routes."""

    @post("/signaling/ticket", status_code=200)
    async def ticket(call: Call, data: TicketBody | None = None) -> Envelope[TicketView]:
        """Get a ticket for the WebSocket."""
        asked = data or TicketBody()
        sealed = await tickets.issue(call, asked.meeting_id or 0, asked.peer_id or "")
        return envelope(call, TicketView(ticket=sealed))

    return [ticket]
