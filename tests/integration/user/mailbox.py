"""A real SMTP server in the test, which keeps what it takes and refuses what it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope


class Mailbox:
    """What came, as bytes; `answer` is said after each mail, and to each recipient `to`.

    `apart` says something else to some; an answer `hang up` is none, and the connection ends.
    """

    def __init__(self) -> None:
        self.port = 0
        self.came: list[tuple[list[str], EmailMessage]] = []
        self.answer = "250 taken"
        self.to = "250 fine"
        self.apart: dict[str, str] = {}
        self.grown = asyncio.Event()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd looks for this name
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient or not."""
        said = self.apart.get(address, self.to)
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(  # noqa: N802 - aiosmtpd looks for this name
        self, server: Any, _session: Any, envelope: Envelope
    ) -> str:
        """Keep a mail, if it is to be taken."""
        if self.answer == "hang up":
            server.transport.abort()
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            self.came.append(([str(each) for each in envelope.rcpt_tos], message))
            self.grown.set()
        return self.answer


@asynccontextmanager
async def mailbox(*, utf8: bool = True) -> AsyncIterator[Mailbox]:
    """Run one on a free port; `utf8`: it takes addresses with letters beyond ASCII."""
    box = Mailbox()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(box, enable_SMTPUTF8=utf8, hostname="box.test"), "127.0.0.1", 0
    )
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        await server.wait_closed()
