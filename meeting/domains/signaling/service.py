"""The signaling domain of one process: what the transports serve sockets with, and its life."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from meeting.domains.meeting.api import MeetingApi
from meeting.domains.signaling.admission import Admission, Admitted, Knock
from meeting.domains.signaling.broadcasts import Broadcasts
from meeting.domains.signaling.decisions import Decisions
from meeting.domains.signaling.dialogue import Dialogue
from meeting.domains.signaling.entry import Entry
from meeting.domains.signaling.model import Close, Limits, Timings
from meeting.domains.signaling.online import Online
from meeting.domains.signaling.ports import Post, SignalingUnit, Socket
from meeting.domains.signaling.presence import Presence
from meeting.domains.signaling.reactions import Reactions
from meeting.domains.signaling.remote import RemoteRouter
from meeting.domains.signaling.rooms import Rooms
from meeting.domains.signaling.roster import LeaseRoster
from meeting.domains.signaling.router import LocalRouter, Router
from meeting.domains.signaling.seats import Seats
from meeting.domains.signaling.session import Session
from meeting.domains.signaling.stays import Stay, Stays
from meeting.domains.signaling.tickets import Tickets
from meeting.domains.user.api import UserApi
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import Ids
from meeting.kernel.ports import Feed, Units
from meeting.kernel.tail import Tail
from meeting.kernel.token import Tokens

PULSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Signaling:
    """Lets sockets in and serves them.

    `sole` is the log for what one process of all reads, `tail` what each reads for itself. Without
    a `post` there is no other process that has sockets.
    """

    def __init__(
        self,
        *,
        units: Units[SignalingUnit],
        sole: Feed,
        tail: Tail,
        post: Post | None = None,
        tokens: Tokens,
        user: UserApi,
        meeting: MeetingApi,
        clock: Clock,
        ids: Ids,
        limits: Limits | None = None,
        timings: Timings | None = None,
        ice_urls: tuple[str, ...] = (),
    ) -> None:
        self.limits = limits or Limits()
        self.timings = timings or Timings()
        self._clock = clock
        self._ids = ids
        rooms = Rooms()
        self.seats = Seats(clock, self.limits)
        self.roster = LeaseRoster(units, clock, self.timings)
        self.remote: RemoteRouter | None = None
        self._router: Router = (local := LocalRouter(rooms, self.seats))
        if post is not None:
            self._router = self.remote = RemoteRouter(local, rooms, self.roster, post)
        self.presence = Presence(self.roster, rooms, clock, self.timings)
        self.online = Online(Stays(units, clock, self.timings), user, clock, ids, self.timings)
        self._entry = Entry(
            meeting=meeting,
            presence=self.presence,
            clock=clock,
            ice_urls=ice_urls,
            node="" if post is None else post.node,
        )
        self._admission = Admission(
            tokens=tokens,
            user=user,
            units=units,
            seats=self.seats,
            clock=clock,
            timings=self.timings,
        )
        self.tickets = Tickets(tokens)
        self.broadcasts = Broadcasts(
            router=self._router,
            roster=self.roster,
            meeting=meeting,
            clock=clock,
            limits=self.limits,
            timings=self.timings,
        )
        self.reactions = Reactions(tail=tail, rooms=rooms, seats=self.seats)
        self.decisions = Decisions(feed=sole, units=units, clock=clock, timings=self.timings)

    async def admit(self, knock: Knock) -> Admitted:
        """Check who asks for an upgrade; what it raises is the refusal.

        Whoever is admitted must be served, or given back with `dismiss`.
        """
        if not self.reactions.begun:
            raise Fault(Kind.UNAVAILABLE, "the rooms are not open yet; connect again in a moment")
        return await self._admission.admit(knock)

    def dismiss(self, admitted: Admitted) -> None:
        """Give up an admitted client that did not complete the upgrade."""
        self.seats.give_back(admitted.seat)

    async def serve(self, socket: Socket, admitted: Admitted) -> None:
        """Serve an upgraded socket until it is closed."""
        dialogue = Dialogue(
            admitted,
            self._ids.new("sess_"),
            entry=self._entry,
            router=self._router,
            clock=self._clock,
            ids=self._ids,
            limits=self.limits,
            timings=self.timings,
        )
        session = Session(
            socket,
            dialogue,
            presence=self.presence,
            clock=self._clock,
            limits=self.limits,
            timings=self.timings,
        )
        stay = Stay(user_id=admitted.caller.user_id, session_id=dialogue.session_id)
        admitted.seat.occupant = session
        if admitted.seat.revoked:
            session.end(Close.TOKEN_ENDED, "the token was revoked")
        elif self._admission.draining:
            session.end(Close.DRAIN, "this server is going down; connect again")
        self.online.came(stay)
        try:
            await session.run()
        finally:
            self.online.went(stay, at_once=session.final)
            self.dismiss(admitted)

    async def start(self) -> None:
        """Begin to listen to the other domains, unless the store is away."""
        try:
            await self.reactions.begin()
        except Fault as fault:
            if fault.kind is not Kind.UNAVAILABLE:
                raise
            log.warning("signalling waits for the store")

    async def prepare(self) -> None:
        """Begin as soon as the store is there."""
        while not self.reactions.begun:
            await asyncio.sleep(PULSE_SECONDS)
            await self.start()

    def background(self) -> tuple[Callable[[], Coroutine[Any, Any, None]], ...]:
        """Return what must run while this domain does; each raises when it can't go on."""
        return (
            self.decisions.consumer.run,
            self.reactions.rooms.run,
            self.reactions.users.run,
            self.reactions.setback.run,
            lambda: self.presence.run(self.seats.places),
            self.online.keep,
            self.online.tell,
            self._pulse,
        )

    async def drain(self) -> None:
        """Let nobody in, close all sockets; their places are kept for who connects elsewhere."""
        self._admission.draining = True
        for seat in self.seats:
            if seat.occupant is not None:
                seat.occupant.end(Close.DRAIN, "this server is going down; connect again")
        await self.seats.empty.wait()

    async def _pulse(self) -> None:
        while True:
            self.seats.pulse()
            await asyncio.sleep(PULSE_SECONDS)
