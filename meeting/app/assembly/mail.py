"""Where mails go: to the server that is set, else into a folder of the state folder."""

from urllib.parse import urlsplit

from meeting.app.config import Config
from meeting.kernel.clock import Clock
from meeting.kernel.mail import Post
from meeting.transports.mail.folder import FolderPost
from meeting.transports.mail.smtp import SmtpPost

FOLDER = "mails"


def make(config: Config, clock: Clock) -> Post:
    """Make what sends mails."""
    mail = config.mail
    if not mail.server:
        folder = config.state / FOLDER
        return FolderPost(folder, sender=mail.sender, tongue=mail.language, clock=clock)
    where = urlsplit(f"//{mail.server}")
    return SmtpPost(
        where.hostname or "",
        where.port or 0,
        sender=mail.sender,
        tongue=mail.language,
        clock=clock,
        user=mail.user,
        password=mail.password,
        tls=mail.tls,
    )
