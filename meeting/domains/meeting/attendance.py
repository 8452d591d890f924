"""Who takes part: joining, leaving, inviting, and the list of participants."""

import msgspec

from meeting.domains.meeting import rights, rules
from meeting.domains.meeting.model import Meeting, Participant, PartRole, Standing
from meeting.domains.meeting.people import People, newcomer
from meeting.domains.meeting.ports import MeetingUnit
from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.letter import Held
from meeting.kernel.page import Found, Page
from meeting.kernel.password import Passwords
from meeting.kernel.ports import Units
from meeting.kernel.secret import Secret
from meeting.kernel.token import Tokens


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """What a join gave: a seat and the ticket to its room, or (without ticket) a place in line."""

    meeting: Meeting
    participant: Participant
    ticket: str = ""

    @property
    def waiting(self) -> bool:
        """Tell whether the host has to approve first."""
        return self.participant.status is Standing.WAITING


class Attendance:
    """Gives seats in meetings and takes them back."""

    def __init__(
        self,
        *,
        units: Units[MeetingUnit],
        clock: Clock,
        people: People,
        passwords: Passwords,
        tokens: Tokens,
    ) -> None:
        self._units = units
        self._clock = clock
        self._people = people
        self._passwords = passwords
        self._tokens = tokens

    async def join(self, call: Call, meeting_id: int, password: Secret | None = None) -> Admission:
        """Take a seat for the caller; repeated, it gives a fresh ticket and nothing else."""
        caller = call.caller
        admission = await self.admit(call, caller.user_id, meeting_id, password=password)
        if admission.waiting:
            return admission
        ticket = self._tokens.ticket(
            caller.user_id,
            admission.participant.username,
            parent=caller.token_id,
            until=caller.token_until,
            meeting_id=meeting_id,
        )
        return msgspec.structs.replace(admission, ticket=ticket)

    async def admit(
        self,
        call: Call,
        user_id: int,
        meeting_id: int,
        *,
        password: Secret | None = None,
        online: bool = False,
        held: Held | None = None,
    ) -> Admission:
        """Take a seat for a user, in one transaction; `online` when a socket of theirs asks.

        `held` is the task that asks for it, which ends with that transaction.
        """
        async with self._units.read() as unit:
            found = await unit.meeting(meeting_id)
            seat = await unit.seat(meeting_id, user_id)
            meeting = rights.seen(found, seat)
            checked = ""
            if password is not None and rules.needs_password(meeting, seat):
                checked = await unit.password_hash(meeting_id)
        # The slow part, hashing, and the call to another domain come before the writer is taken.
        known = False
        if password is not None and checked:
            known = await self._passwords.verify(checked, password.reveal())
        if seat is None:
            seat = newcomer(meeting, await self._people.person(call, user_id))
        async with self._units.write() as unit:
            found = await unit.meeting(meeting_id, lock=True)
            seat = await unit.seat(meeting_id, user_id, lock=True) or seat
            known = known and checked == await unit.password_hash(meeting_id)
            after, taken, event = rules.join(
                rights.seen(found, seat if seat.id else None),
                seat,
                password_known=known,
                now=self._clock.now(),
            )
            here = online or taken.online or await unit.copies.online(user_id)
            taken = await unit.place(rules.shown(taken, online=here))
            if event is not None:
                await unit.save(after)
                unit.append(event)
            if held is not None:
                await unit.settle(held)
        return Admission(meeting=after, participant=taken)

    async def leave(self, call: Call, meeting_id: int) -> Meeting:
        """Free the caller's seat; without one there is nothing to do."""
        return await self.dismiss(call.caller.user_id, meeting_id)

    async def dismiss(self, user_id: int, meeting_id: int, *, held: Held | None = None) -> Meeting:
        """Free a user's seat; `held` is the task that asks for it, which ends with it."""
        async with self._units.write() as unit:
            found = await unit.meeting(meeting_id, lock=True)
            seat = await unit.seat(meeting_id, user_id, lock=True)
            after = rights.seen(found, seat)
            if seat is not None:
                after, left, event = rules.leave(after, seat, "user_left", self._clock.now())
                if event is not None:
                    await unit.place(left)
                    await unit.save(after)
                    unit.append(event)
            if held is not None:
                await unit.settle(held)
            return after

    async def participants(self, call: Call, meeting_id: int, page: Page) -> Found[Participant]:
        """List the members for a member; who waits or was removed is shown to moderators alone."""
        async with self._units.read() as unit:
            seat = await unit.seat(meeting_id, call.caller.user_id)
            rights.seen(await unit.meeting(meeting_id), seat)
            everybody = rights.belongs(seat).moderates
            return await unit.participants(meeting_id, everybody=everybody, page=page)

    async def invite(
        self, call: Call, meeting_id: int, user_id: int, role: PartRole
    ) -> Participant:
        """Invite a user, for the host and moderators; `exists` where the user has a row already."""
        async with self._units.read() as unit:
            meeting = await self._moderated(unit, call, meeting_id)
        person = await self._people.person(call, user_id)
        async with self._units.write() as unit:
            await self._moderated(unit, call, meeting_id, lock=True)
            if await unit.seat(meeting_id, user_id) is not None:
                raise Fault(Kind.EXISTS, "this user is in the list of participants already")
            guest = msgspec.structs.replace(newcomer(meeting, person), role=role)
            here = await unit.copies.online(user_id)
            return await unit.place(rules.shown(guest, online=here))

    async def _moderated(
        self, unit: MeetingUnit, call: Call, meeting_id: int, *, lock: bool = False
    ) -> Meeting:
        found = await unit.meeting(meeting_id, lock=lock)
        seat = await unit.seat(meeting_id, call.caller.user_id)
        meeting = rights.seen(found, seat)
        rights.moderates(seat)
        return meeting
