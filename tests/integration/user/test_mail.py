"""Mails at a real SMTP server: hostile names and addresses, refusals, a server that is away."""

import asyncio
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given, strategies as st

from meeting.kernel.clock import SystemClock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.mail import Later, Mail
from meeting.transports.mail.smtp import SmtpPost
from meeting.transports.mail.writing import write
from tests.integration.user.mailbox import Mailbox, mailbox

HOSTILE = st.text(
    st.one_of(st.characters(), st.sampled_from('\r\n\0<>@",;:=? \u202e')), max_size=300
)
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Language",
    "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
}  # fmt: skip


def mail(name: str = "Ann", address: str = "ann@example.org") -> Mail:
    """Make a mail."""
    return Mail(
        id="ab" * 16,
        address=address,
        name=name,
        subject="Welcome, {name}",
        body="Hello {name}\n",
        values={"name": name},
    )


def post(box: Mailbox) -> SmtpPost:
    """Reach the box."""
    return SmtpPost(
        "127.0.0.1", box.port, sender="m@example.org", tongue="zh", clock=SystemClock(), tls="none"
    )


@given(name=HOSTILE)
def test_no_name_says_more_than_a_name(name: str) -> None:
    """Whatever somebody is called, the mail has our headers, one recipient and one line of name."""
    raw = write(mail(name), "m@example.org", "en", SystemClock().now()).as_bytes()
    read = message_from_bytes(raw, policy=default)
    assert set(read.keys()) == HEADERS
    assert [each.addr_spec for each in read["To"].addresses] == ["ann@example.org"]
    assert read.get_content().count("\n") == 1


@given(address=HOSTILE)
def test_an_address_is_one_or_is_refused(address: str) -> None:
    """A text that is no address is `validation`; never a header or a recipient more."""
    try:
        raw = write(mail(address=address), "m@example.org", "en", SystemClock().now()).as_bytes()
    except Fault as fault:
        assert fault.kind is Kind.VALIDATION
        return
    read = message_from_bytes(raw, policy=default)
    assert set(read.keys()) == HEADERS
    assert len(read["To"].addresses) == 1


@pytest.mark.parametrize(
    ("to", "answer", "kind"),
    [
        ("550 no such box", "250 taken", Kind.VALIDATION),
        ("250 fine", "554 spam of ann@example.org", Kind.VALIDATION),
        ("450 greylisted", "250 taken", Kind.UNAVAILABLE),
        ("421 not this one", "250 taken", Kind.UNAVAILABLE),
        ("250 fine", "451 later", Kind.UNAVAILABLE),
        ("250 fine", "hang up", Kind.UNAVAILABLE),
    ],
)
async def test_a_refusal_is_for_ever_or_for_now(to: str, answer: str, kind: Kind) -> None:
    """5xx is hopeless, 4xx puts this mail off; nothing of what the server says is quoted."""
    async with mailbox() as box:
        box.to, box.answer = to, answer
        with pytest.raises(Fault) as caught:
            await post(box).send(mail())
    assert caught.value.kind is kind
    assert isinstance(caught.value, Later) is (kind is Kind.UNAVAILABLE)
    assert "ann" not in str(caught.value)


async def test_an_address_that_the_server_can_not_write() -> None:
    """Letters beyond ASCII at a server without them are refused for good: it learns none later."""
    async with mailbox(utf8=False) as box:
        with pytest.raises(Fault) as caught:
            await post(box).send(mail(address="jürgen@example.org"))
    assert caught.value.kind is Kind.VALIDATION
    assert "rgen" not in str(caught.value)


@pytest.mark.parametrize("greeting", [b"421 too many\r\n", b"220 hello\r\n", b""])
async def test_a_server_that_does_not_begin(greeting: bytes) -> None:
    """Who greets with a refusal, refuses our name or hangs up takes no mail: none is put off."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        if greeting.startswith(b"220"):
            for _ in ("EHLO", "HELO"):
                await reader.readline()
                writer.write(b"554 not you\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    box = Mailbox()
    box.port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(Fault) as caught:
            await post(box).send(mail())
    assert caught.value.kind is Kind.UNAVAILABLE
    assert not isinstance(caught.value, Later)


async def test_a_server_that_is_away(unused_tcp_port: int) -> None:
    """No server is `unavailable`, and the task is tried again; no mail is put off."""
    box = Mailbox()
    box.port = unused_tcp_port
    with pytest.raises(Fault) as caught:
        await post(box).send(mail())
    assert (caught.value.kind, caught.value.details) == (Kind.UNAVAILABLE, {"peer": "mail"})
    assert not isinstance(caught.value, Later)


async def test_it_arrives_in_chinese() -> None:
    """A mail is in the language that is set, and letters beyond ASCII arrive as they are."""
    async with mailbox() as box:
        await post(box).send(mail("安娜", "jürgen@example.org"))
    [(to, message)] = box.came
    assert to == ["jürgen@example.org"]
    assert message["Subject"] == "欢迎,安娜"
    assert message["Message-ID"] == f"<{'ab' * 16}@example.org>"
