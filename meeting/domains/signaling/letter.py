"""A frame on its way to peers, and who sent it as which version of the roster shows them."""

from typing import Self

import msgspec

from meeting.domains.signaling.model import Place


class Sender(msgspec.Struct, frozen=True, array_like=True):
    """A peer that others must have been told of before they hear it."""

    peer_id: str
    session_id: str
    version: int
    """The roster shows the peer from this version on."""

    @classmethod
    def of(cls, place: Place) -> Self:
        """Return who speaks from a place."""
        return cls(place.peer_id, place.session_id, place.version)


class Letter(msgspec.Struct, frozen=True, array_like=True):
    """Whom a frame is for: peers of a room, or (without one) all sockets of a user."""

    room_id: str = ""
    user_id: int = 0
    """This user's alone; 0: anybody's."""
    peer_id: str = ""
    """This peer alone; empty: all."""
    but: str = ""
    """A peer that does not get it."""
    sender: Sender | None = None
    """None: a service, which is heard whatever the roster says."""

    def fits(self, place: Place) -> bool:
        """Tell whether it is for a peer of its room."""
        return (
            place.peer_id != self.but
            and self.peer_id in ("", place.peer_id)
            and self.user_id in (0, place.user_id)
        )


read = msgspec.json.Decoder(Letter).decode
write = msgspec.json.Encoder().encode
