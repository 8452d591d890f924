"""Tickets: one socket each, for clients that can't send a header and won't put a token in a URL."""

from meeting.domains.signaling.model import PEER_ID
from meeting.kernel.call import Call
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.ids import MAX_ID
from meeting.kernel.token import Tokens


class Tickets:
    """Gives tickets out; `Admission` spends them."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def issue(self, call: Call, meeting_id: int = 0, peer_id: str = "") -> str:
        """Seal a ticket for the caller, bound to the meeting and the peer_id where one is named.

        It opens a socket and nothing more: whether its user may enter a meeting is asked at the
        join, so that a ticket tells nobody which meetings there are.
        """
        caller = call.caller
        if not caller.user_id or not caller.token_id:
            raise Fault(Kind.UNAUTHENTICATED, "a ticket needs a user's token")
        if not 0 <= meeting_id <= MAX_ID:
            raise invalid("meeting_id", f"must be a whole number from 1 to {MAX_ID}")
        if peer_id and not PEER_ID.fullmatch(peer_id):
            raise invalid("peer_id", "must be 1 to 64 of A-Z a-z 0-9 _ -")
        return self._tokens.ticket(
            caller.user_id,
            caller.username,
            parent=caller.token_id,
            until=caller.token_until,
            meeting_id=meeting_id,
            peer_id=peer_id,
        )
