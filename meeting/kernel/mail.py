"""The port to e-mail: one mail to one person, on its way under an id that it keeps."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from meeting.kernel.errors import Fault, Kind

PEER = "mail"


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail. Subject and body are English templates that a translation can look up."""

    id: str
    """Lower-case hex; what the `Message-ID` is made of, the same at every attempt."""
    address: str
    name: str
    subject: str
    body: str
    values: Mapping[str, str] = {}
    """Fill the `{names}` of the templates."""

    def __repr__(self) -> str:
        return f"Mail({self.id}, …)"


class Later(Fault):
    """This mail was put off; whoever has others to send may find that those are taken.

    To whoever knows no difference it is an `unavailable` like any: another try may do it.
    """

    def __init__(self, why: object) -> None:
        super().__init__(
            Kind.UNAVAILABLE,
            "the mail server does not take this mail now: {why}",
            details={"peer": PEER},
            why=why,
        )


class Post(Protocol):
    """Sends mails. The same one sent twice bears the same `Message-ID`."""

    async def send(self, mail: Mail) -> None:
        """Hand a mail over for good.

        `validation` where it is refused for ever, `Later` where it alone is put off, `unavailable`
        where nothing can be sent now.
        """
        ...
