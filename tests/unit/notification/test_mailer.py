"""Mails that notifications owe are sent once each, and none is lost."""

from datetime import timedelta
from itertools import repeat

import pytest

from meeting.domains.notification.mailer import AT_ONCE, ATTEMPTS, CLAIM, LONGEST_WAIT, Mailer, wait
from meeting.domains.user.api import Person, UserApi
from meeting.kernel.call import Call
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.mail import Later, Mail
from tests.unit.meeting.world import Directory
from tests.unit.notification.world import ANN, AS_SERVICE, BOB, DRAFT, World

AWAY = Fault(Kind.UNAVAILABLE, "the mail server is away")


class Box:
    """A `Post` that remembers what it took, or fails as it is told to."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.faults: list[Exception | None] = []

    async def send(self, mail: Mail) -> None:
        """Take a mail, unless told not to."""
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        self.mails.append(mail)


def mailer(world: World, box: Box, owner: str = "one", users: UserApi | None = None) -> Mailer:
    """Make the mailer of a process."""
    return Mailer(
        owner=owner,
        units=world.units,
        users=users or Directory(),
        post=box,
        clock=world.clock,
        ids=world.ids,
    )


async def owe(world: World, *users: int) -> None:
    """Have a service tell users something, by mail, too."""
    for user_id in users:
        await world.history.send(AS_SERVICE, user_id, DRAFT, push=False, mail=True)


async def test_a_mail_is_sent_once(world: World) -> None:
    """To the address that the user has then, in the sender's words; and never again."""
    box = Box()
    await owe(world, ANN, BOB)
    await world.history.send(AS_SERVICE, ANN, DRAFT, push=False)
    assert world.stirs == 2
    assert await mailer(world, box).step()
    assert [mail.address for mail in box.mails] == ["user1@example.org", "user2@example.org"]
    assert (box.mails[0].subject, box.mails[0].body) == (DRAFT.title, DRAFT.content + "\n")
    assert len({mail.id for mail in box.mails}) == 2
    for owner in ("one", "two"):
        assert not await mailer(world, box, owner).step()


async def test_braces_are_no_template(world: World) -> None:
    """Somebody's own words go out as they are."""
    box = Box()
    draft = type(DRAFT)(type="note", title="{name}", content="{0} {")
    await world.history.send(AS_SERVICE, ANN, draft, push=False, mail=True)
    await mailer(world, box).step()
    assert (box.mails[0].subject, box.mails[0].body, box.mails[0].values) == (
        "{name}",
        "{0} {\n",
        {},
    )


@pytest.mark.parametrize("away", [AWAY, Fault(Kind.DEADLINE, "too late")], ids=["away", "late"])
async def test_what_is_away_is_waited_for(world: World, away: Fault) -> None:
    """The same mail goes out later under the same id, by whoever has taken it on."""
    box = Box()
    box.faults = [None, away]
    await owe(world, ANN, BOB)
    with pytest.raises(Fault):
        await mailer(world, box).step()
    assert not await mailer(world, box, "two").step()
    assert await mailer(world, box).step()
    assert [mail.address for mail in box.mails] == ["user1@example.org", "user2@example.org"]


async def test_the_claim_of_one_that_is_gone_grows_old(world: World) -> None:
    """Another process sends what nobody has sent within the claim's time, under the same id."""
    box, dead = Box(), Box()
    dead.faults = [AWAY]
    await owe(world, ANN)
    with pytest.raises(Fault):
        await mailer(world, dead).step()
    world.clock.move(CLAIM)
    assert not await mailer(world, box, "two").step()
    world.clock.move(timedelta(seconds=1))
    assert await mailer(world, box, "two").step()
    assert not await mailer(world, box).step()
    assert len(box.mails) == 1


async def test_one_that_can_not_be_sent_holds_no_other_up(world: World) -> None:
    """An address that is refused, a defect, an account that is gone: each costs its own mail."""

    class Gone(Directory):
        async def get_user(self, call: Call, user_id: int) -> Person:
            if user_id == ANN:
                raise Fault(Kind.USER_NOT_FOUND, "there is no such user")
            return await super().get_user(call, user_id)

    box = Box()
    box.faults = [Fault(Kind.VALIDATION, "no address"), ZeroDivisionError()]
    await owe(world, ANN, BOB, 3, 4)
    assert await mailer(world, box, users=Gone()).step()
    assert [mail.address for mail in box.mails] == ["user4@example.org"]
    assert not await mailer(world, box).step()


async def test_one_that_is_put_off_waits_alone(world: World) -> None:
    """The others go out; it has its turn after a minute, then after two, with whoever is there."""
    box = Box()
    box.faults = [Later(450)]
    await owe(world, ANN, BOB)
    assert await mailer(world, box).step()
    assert [mail.address for mail in box.mails] == ["user2@example.org"]
    for minutes in (1, 2):
        world.clock.move(timedelta(minutes=minutes, seconds=-1))
        assert not await mailer(world, box).step()
        world.clock.move(timedelta(seconds=1))
        if minutes == 1:
            box.faults = [Later(450)]
            assert await mailer(world, box).step()
    assert await mailer(world, box, "two").step()
    assert [mail.address for mail in box.mails] == ["user2@example.org", "user1@example.org"]
    assert not await mailer(world, box).step()


async def test_more_that_are_put_off_than_one_round_takes(world: World) -> None:
    """However many wait, who comes after them is sent to in the next round."""
    box = Box()
    box.faults = list(repeat(Later(450), AT_ONCE))
    await owe(world, *repeat(ANN, AT_ONCE), BOB)
    sending = mailer(world, box)
    assert [await sending.step() for _ in range(3)] == [True, True, False]
    assert [mail.address for mail in box.mails] == ["user2@example.org"]


async def test_one_that_is_put_off_each_time_is_given_up(world: World) -> None:
    """After some five days of attempts, and not before; nothing of it is left."""
    box = Box()
    box.faults = list(repeat(Later(450), ATTEMPTS))
    await owe(world, ANN)
    while box.faults:
        assert await mailer(world, box).step()
        world.clock.move(LONGEST_WAIT)
    assert not await mailer(world, box).step()
    assert box.mails == []
    waits = [wait(attempts) for attempts in range(ATTEMPTS - 1)]
    assert waits == sorted(waits)
    assert timedelta(days=5) <= sum(waits, timedelta()) < timedelta(days=5, hours=4)


async def test_what_the_history_forgot_is_not_mailed(world: World) -> None:
    """A history is bounded, and so is what it owes."""
    small = World(world.database, kept=2)
    await owe(small, *[ANN] * 5)
    box = Box()
    while await mailer(small, box).step():
        pass
    assert len(box.mails) == 2
