"""Makes a message of a mail: translated, and escaped so that nobody's name says more than a name.

Names are free text of users: what would end a header line or turn the reading direction is dropped
before the message's own policy encodes the rest.
"""

import re
import unicodedata
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.mail import Mail
from meeting.text import fill

_ID = re.compile(r"[0-9a-f]{8,64}")
_SPACE = re.compile(r"\s+")
LONGEST = 200
"""Letters of a value that a header or a text takes."""


def write(mail: Mail, sender: str, tongue: str, at: datetime) -> EmailMessage:
    """Write a mail from `sender`; `validation` where its address is none that a mail can go to."""
    if not _ID.fullmatch(mail.id):
        raise ValueError("the id of a mail is lower-case hex")
    source = address(sender)
    target = address(mail.address, plain(mail.name))
    values = {name: plain(value) for name, value in mail.values.items()}
    message = EmailMessage(policy=SMTP if mail.address.isascii() else SMTPUTF8)
    message["From"] = source
    message["To"] = target
    message["Subject"] = plain(fill(mail.subject, values, tongue))
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{mail.id}@{source.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(fill(mail.body, values, tongue), cte="base64")
    message["Content-Language"] = tongue
    return message


def plain(text: str) -> str:
    """Return a text as one line without anything that is not to be seen."""
    seen = _SPACE.sub(" ", text[: 4 * LONGEST])
    return "".join(each for each in seen if unicodedata.category(each)[0] != "C")[:LONGEST].strip()


def address(text: str, name: str = "") -> Address:
    """Read an address; `validation` without showing it, where it is none."""
    try:
        if "\r" in text or "\n" in text:
            raise ValueError("more than a line")
        if not text.isascii():
            return _wide(text, name)
        found = Address(display_name=name, addr_spec=text)
    except (ValueError, IndexError, MessageError) as error:
        raise Fault(Kind.VALIDATION, "no mail can be sent to this address") from error
    if not found.username or not found.domain:
        raise Fault(Kind.VALIDATION, "no mail can be sent to this address")
    return found


def _wide(text: str, name: str) -> Address:
    """Read an address beyond ASCII: what stands in for its letters has to be an address."""
    Address(addr_spec="".join(each if each.isascii() else "x" for each in text))
    if plain(text) != text:
        raise ValueError("it holds what is not to be seen")
    user, _, domain = text.rpartition("@")
    return Address(display_name=name, username=user, domain=domain)
