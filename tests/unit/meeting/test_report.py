"""The report of a meeting: what it counts, and that nothing that came late is left out of it."""

from datetime import timedelta

import msgspec
import pytest

from meeting.domains.meeting import report, reporting, rules
from meeting.domains.meeting.model import Meeting, Participant, Standing
from meeting.domains.meeting.report import REPORTS, Report, words
from meeting.domains.meeting.reporting import Reporter
from meeting.domains.meeting.tasks import QUEUE, EndMeeting
from meeting.kernel.errors import Fault
from meeting.kernel.ids import RandomIds
from meeting.kernel.letter import Held, Letter, Over
from meeting.kernel.page import Page
from meeting.kernel.work import Work
from meeting.stores.relational.queue import SqlQueue
from tests.unit.meeting.test_consumers import Stopped, listener, publish, spoken
from tests.unit.meeting.world import NOON, World


class Desk:
    """A queue whose tasks a test takes in hand one by one."""

    def __init__(self, world: World) -> None:
        self.queue = SqlQueue(world.database, world.clock, RandomIds())
        self.make = Reporter(units=world.units, documents=world.documents, clock=world.clock)

    async def take(self) -> list[Held]:
        """Take what is due, but for rooms to be prepared."""
        held = await self.queue.take(QUEUE, "a test", 10)
        ends = [each for each in held if each.letter.type == EndMeeting.TYPE]
        await self.queue.settle([each for each in held if each not in ends])
        return ends

    async def do(self, held: Held) -> None:
        """Do one of them."""
        work = Work(held, self.queue, None)  # type: ignore[arg-type]  # asks for no time
        await self.make(EndMeeting.read(held.letter), work)


@pytest.fixture
def desk(world: World) -> Desk:
    """Open the queue of the world."""
    return Desk(world)


async def ended(world: World) -> Meeting:
    """Make a meeting that is over."""
    meeting = await world.meeting()
    return await world.lifecycle.end(world.call(1), meeting.id)


async def late(world: World, meeting: Meeting, *names: str) -> None:
    """Let results come in."""
    await publish(world, *(spoken(meeting.id, task_id=name) for name in names))
    while await listener(world).step():
        pass


async def read(world: World, meeting: Meeting) -> Report:
    """Read the report as the host."""
    return await world.results.report(world.call(1), meeting.id)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("… ?!", 0),
        ("it was the best of times", 6),
        ("don't well-known 3.5", 4),
        ("今天天气好", 5),
        ("we met 王明 in Łódź", 6),
        ("ありがとう", 5),
        ("안녕 하세요", 2),
    ],
)
def test_words_are_counted_in_every_script(text: str, count: int) -> None:
    """Between spaces where there are some; else each character is one."""
    assert words(text) == count


def test_all_stays_count() -> None:
    """Seconds of earlier stays are added to those of the last, which may not have ended."""
    seat = Participant(meeting_id=1, user_id=2, username="b", full_name="", stayed=7)
    assert rules.stay(seat, NOON) == 7
    came = NOON + timedelta(minutes=1)
    there = msgspec.structs.replace(seat, status=Standing.JOINED, joined_at=came)
    assert rules.stay(there, NOON + timedelta(minutes=2)) == 67
    gone = msgspec.structs.replace(there, left_at=came + timedelta(seconds=5))
    assert rules.stay(gone, NOON + timedelta(minutes=9)) == 12


async def test_what_comes_in_while_a_report_is_made_is_in_the_next(
    world: World, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A result between the reading and the commit makes one more report, without another's help."""
    meeting = await ended(world)
    [held] = await desk.take()
    compose = report.compose
    made = []

    def note(*given: object) -> Report:
        made.append(given)
        return compose(*given)  # type: ignore[arg-type]

    put = world.documents.put

    async def meanwhile(*given: object) -> None:
        await put(*given)  # type: ignore[arg-type]
        monkeypatch.setattr(world.documents, "put", put)
        await late(world, meeting, "a", "b")

    monkeypatch.setattr(reporting, "compose", note)
    monkeypatch.setattr(world.documents, "put", meanwhile)
    await desk.do(held)
    assert (await read(world, meeting)).transcript_count == 0
    world.clock.move(timedelta(seconds=30))
    [held] = await desk.take()
    await desk.do(held)
    assert (await read(world, meeting)).transcript_count == 2
    world.clock.move(timedelta(seconds=30))
    assert await desk.take() == []
    assert len(made) == 2


async def test_a_maker_that_was_cut_off_spoils_nothing(
    world: World, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that comes back after another has made a later report neither shows nor counts."""
    meeting = await ended(world)
    [held] = await desk.take()

    async def wait(*given: object) -> None:
        monkeypatch.undo()
        world.clock.move(timedelta(minutes=1))
        await late(world, meeting, "a")
        [again] = [each for each in await desk.take() if each.letter.id == held.letter.id]
        await desk.do(again)
        assert (await read(world, meeting)).transcript_count == 1
        await world.documents.put(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(world.documents, "put", wait)
    with pytest.raises(Over):
        await desk.do(held)
    found = await read(world, meeting)
    assert (found.transcript_count, found.version) == (1, 1)


async def test_a_crash_before_the_mark_makes_the_same_report(
    world: World, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not there yet, then it is, as version 1, and its meeting ended once."""
    meeting = await world.meeting()
    task = EndMeeting(meeting_id=meeting.id)
    await desk.queue.put(QUEUE, [Letter(type=task.TYPE, payload=msgspec.to_builtins(task))])
    [held] = await desk.take()

    def stop(name: str) -> None:
        raise Stopped(name)

    with monkeypatch.context() as patch:
        patch.setattr(reporting, "failpoint", stop)
        with pytest.raises(Stopped):
            await desk.do(held)
    with pytest.raises(Fault, match="not made yet"):
        await read(world, meeting)
    await desk.do(held)
    assert (await read(world, meeting)).version == 1
    assert [each.type for each in await world.told()].count("meeting.ended") == 1


async def test_the_same_again_is_no_new_version(world: World, desk: Desk) -> None:
    """A result whose event comes twice changes nothing that a reader sees; nothing piles up."""
    meeting = await ended(world)
    for _ in range(3):
        await late(world, meeting, "a")
        for held in await desk.take():
            await desk.do(held)
        world.clock.move(timedelta(seconds=30))
    assert (await read(world, meeting)).version == 1
    kept = await world.documents.find(REPORTS, meeting_id=meeting.id, page=Page())
    assert kept.total == 1


async def test_a_report_that_died_is_made_when_more_comes(world: World, desk: Desk) -> None:
    """A dead letter does not keep later results from asking for the report."""
    meeting = await ended(world)
    [held] = await desk.take()
    assert await desk.queue.fail(held, "broken", None)
    await late(world, meeting, "a")
    world.clock.move(timedelta(seconds=30))
    [held] = await desk.take()
    await desk.do(held)
    assert (await read(world, meeting)).transcript_count == 1
