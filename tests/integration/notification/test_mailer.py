"""Mails that notifications owe, at a real SMTP server that puts some of them off."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from meeting.domains.notification.mailer import Mailer
from meeting.kernel.errors import Fault
from meeting.transports.mail.smtp import SmtpPost
from tests.integration.user.mailbox import Mailbox, mailbox
from tests.unit.meeting.world import Directory
from tests.unit.notification.world import ANN, AS_SERVICE, BOB, DRAFT, World

ADDRESS = {ANN: "user1@example.org", BOB: "user2@example.org"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Open a world in a file."""
    async with World.open(f"sqlite+aiosqlite:///{tmp_path}/meeting.db") as opened:
        yield opened


def mailer(world: World, port: int) -> Mailer:
    """Make the mailer of a process that reaches a server there."""
    post = SmtpPost(
        "127.0.0.1", port, sender="m@example.org", tongue="en", clock=world.clock, tls="none"
    )
    return Mailer(
        owner="one",
        units=world.units,
        users=Directory(),
        post=post,
        clock=world.clock,
        ids=world.ids,
    )


async def owe(world: World, *users: int) -> None:
    """Have a service tell users something by mail."""
    for user_id in users:
        await world.history.send(AS_SERVICE, user_id, DRAFT, push=False, mail=True)


def taken(box: Mailbox) -> list[str]:
    """Return whom mails came for."""
    return [address for to, _ in box.came for address in to]


async def test_one_that_is_put_off_holds_no_other_up(world: World) -> None:
    """A 450 for one address lets the next mail by; when the server will, it comes after all."""
    async with mailbox() as box:
        box.apart = {ADDRESS[ANN]: "450 greylisted"}
        await owe(world, ANN, BOB)
        sending = mailer(world, box.port)
        assert await sending.step()
        assert taken(box) == [ADDRESS[BOB]]
        box.apart = {}
        assert not await sending.step()
        world.clock.move(timedelta(minutes=1))
        assert await sending.step()
        assert taken(box) == [ADDRESS[BOB], ADDRESS[ANN]]
        assert not await sending.step()


async def test_a_server_that_is_away_costs_no_mail_its_turn(
    world: World, unused_tcp_port: int
) -> None:
    """Nobody there: the round ends at the first, and both go out when there is, at once."""
    await owe(world, ANN, BOB)
    with pytest.raises(Fault):
        await mailer(world, unused_tcp_port).step()
    async with mailbox() as box:
        assert await mailer(world, box.port).step()
    assert taken(box) == [ADDRESS[ANN], ADDRESS[BOB]]
