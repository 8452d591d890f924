"""Sends mails to a server by SMTP, each on a connection of its own."""

import ssl
from typing import Literal

import aiosmtplib
import structlog

from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.mail import PEER, Later, Mail
from meeting.kernel.secret import Secret
from meeting.transports.mail.writing import write

SECONDS = 20.0
"""For a whole mail, and so below the 30 s that a task has without a sign of life."""
PERMANENT = range(500, 600)

log = structlog.get_logger(__name__)
Tls = Literal["none", "starttls", "tls"]


class SmtpPost:
    """Satisfies `Post`. What the server says is logged as its number: its words may hold names."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        sender: str,
        tongue: str,
        clock: Clock,
        user: str = "",
        password: Secret | None = None,
        tls: Tls = "starttls",
    ) -> None:
        self._host = host
        self._port = port
        self._sender = sender
        self._tongue = tongue
        self._clock = clock
        self._user = user
        self._password = password
        self._tls = tls

    async def send(self, mail: Mail) -> None:
        """Hand a mail to the server; whoever is cut off here does not know whether it was taken."""
        message = write(mail, self._sender, self._tongue, self._clock.now())
        server = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user or None,
            password=self._password.reveal() if self._user and self._password else None,
            use_tls=self._tls == "tls",
            start_tls=self._tls == "starttls",
            timeout=SECONDS,
        )
        reached = False
        try:
            async with server:
                reached = True
                await server.send_message(message, sender=self._sender, recipients=[mail.address])
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
            # A wrong password or a server that greets with a refusal is no fault of this mail.
            reached = reached and not isinstance(error, aiosmtplib.SMTPHeloError)
            raise self._fault(error, reached=reached) from None  # its text may name whom it was for

    def _fault(self, error: Exception, *, reached: bool) -> Fault:
        """Say what became of a mail; `reached`: the server was there, so it is about this mail."""
        code = _code(error)
        log.warning("mail not sent", server=self._host, code=code, error=type(error).__name__)
        why = code or type(error).__name__
        if not reached:
            return Fault(
                Kind.UNAVAILABLE,
                "the mail server does not take it now: {why}",
                details={"peer": PEER},
                why=why,
            )
        # What the mail asks of a server that can't do it, as letters beyond ASCII in an address.
        if code in PERMANENT or isinstance(error, aiosmtplib.SMTPNotSupported):
            return Fault(Kind.VALIDATION, "the mail server refuses it for good: {why}", why=why)
        # Also one that hangs up or falls silent: it may do so at this mail each time.
        return Later(why)


def _code(error: Exception) -> int:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return max((each.code for each in error.recipients), default=0)
    return error.code if isinstance(error, aiosmtplib.SMTPResponseException) else 0
