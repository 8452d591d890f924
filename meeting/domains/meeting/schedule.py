"""Creating meetings and finding them again."""

import hashlib
from datetime import timedelta

import msgspec

from meeting.domains.meeting import rights, rules
from meeting.domains.meeting.events import MeetingCreated
from meeting.domains.meeting.model import Draft, Meeting, Status
from meeting.domains.meeting.people import People, newcomer
from meeting.domains.meeting.ports import MeetingUnit
from meeting.domains.meeting.tasks import CreateMeeting
from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.page import Found, Page
from meeting.kernel.password import Passwords
from meeting.kernel.ports import Units

KEY_LIFE = timedelta(hours=24)


class Schedule:
    """Puts meetings into the calendar and shows them to who may see them."""

    def __init__(
        self, *, units: Units[MeetingUnit], clock: Clock, people: People, passwords: Passwords
    ) -> None:
        self._units = units
        self._clock = clock
        self._people = people
        self._passwords = passwords

    async def create(self, call: Call, draft: Draft) -> Meeting:
        """Schedule a meeting; the same `call.key` gives the same meeting, also after a crash."""
        if draft.end_time <= draft.start_time:
            raise invalid("end_time", "must be later than start_time")
        creator = call.caller.user_id
        print_ = _fingerprint(draft)
        if call.key:
            earlier = await self._earlier(creator, call.key, print_)
            if earlier is not None:
                return earlier
        host = await self._people.person(call, creator)
        password_hash = ""
        if draft.password is not None:
            password_hash = await self._passwords.hash(draft.password.reveal())
        now = self._clock.now()
        async with self._units.write() as unit:
            meeting = await unit.add(
                Meeting(
                    title=draft.title,
                    description=draft.description,
                    creator_id=creator,
                    start_time=draft.start_time,
                    end_time=draft.end_time,
                    max_participants=draft.max_participants,
                    meeting_type=draft.meeting_type,
                    has_password=bool(password_hash),
                    settings=draft.settings,
                    version=1,
                    created_at=now,
                    updated_at=now,
                ),
                password_hash,
            )
            if call.key:
                await unit.creations.remember(
                    creator, call.key, meeting.id, print_, now=now, since=now - KEY_LIFE
                )
            here = await unit.copies.online(creator)
            await unit.place(rules.shown(newcomer(meeting, host), online=here))
            task = CreateMeeting(
                meeting_id=meeting.id,
                title=meeting.title,
                creator_id=creator,
                start_time=meeting.start_time,
            )
            unit.enqueue(task, key=task.key)
            unit.append(
                MeetingCreated(
                    meeting_id=meeting.id,
                    title=meeting.title,
                    creator_id=creator,
                    start_time=meeting.start_time,
                    version=meeting.version,
                )
            )
        return meeting

    async def _earlier(self, creator: int, key: str, print_: str) -> Meeting | None:
        """Return the meeting that this key made before."""
        async with self._units.read() as unit:
            made = await unit.creations.made(creator, key, since=self._clock.now() - KEY_LIFE)
            if made is None:
                return None
            meeting_id, printed = made
            if printed != print_:
                raise Fault(
                    Kind.CONFLICT,
                    "this Idempotency-Key made another meeting; use a new key for a new one",
                )
            return await unit.meeting(meeting_id)

    async def list(
        self, call: Call, *, status: Status | None, text: str, page: Page
    ) -> Found[Meeting]:
        """List the meetings that are not private, and the caller's own and invited ones."""
        async with self._units.read() as unit:
            return await unit.listed(call.caller.user_id, status=status, text=text, page=page)

    async def get(self, call: Call, meeting_id: int) -> Meeting:
        """Return a meeting that the caller may see; a service sees all."""
        async with self._units.read() as unit:
            meeting = await unit.meeting(meeting_id)
            if call.caller.is_service and meeting is not None:
                return meeting
            return rights.seen(meeting, await unit.seat(meeting_id, call.caller.user_id))


def _fingerprint(draft: Draft) -> str:
    """Tell drafts apart by a hash; without the password, which could be guessed from it."""
    fields = msgspec.structs.asdict(draft)
    fields["password"] = draft.password is not None
    return hashlib.sha256(msgspec.json.encode(fields, order="sorted")).hexdigest()
