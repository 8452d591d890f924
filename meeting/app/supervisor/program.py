"""What a child runs: its command, how to see that it stands, and how it ends."""

import shutil
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from meeting.app.supervisor.account import Account, Unable


async def _nothing() -> None:
    """Serve a program that needs nothing before it is started."""


async def _always() -> bool:
    """Serve a program that is as ready as it will be when it runs."""
    return True


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A program of a name, started by exec with exactly this environment."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    ready: Callable[[], Awaitable[bool]] = _always
    """Asked again and again until it says yes."""
    prepare: Callable[[], Awaitable[None]] = _nothing
    """Done before each start."""
    end: signal.Signals = signal.SIGTERM
    """What asks it to end; after `grace` seconds it is killed."""
    grace: float = 30.0
    orphaned: str = "KILL"
    """The signal that the kernel sends it when we die, however that is."""
    account: Account | None = None
    """Who it runs as; None: as who we are."""
    folder: str = ""
    """Where it runs; empty: where we do."""

    @property
    def line(self) -> list[str]:
        """Return the command with what makes it somebody else and binds it to us.

        In this order: who changes users is not bound any more.
        """
        if shutil.which("setpriv") is None:
            raise Unable("setpriv is not there, which ends children with us: install util-linux")
        become = self.account.become if self.account else ()
        return [*become, "setpriv", "--pdeathsig", self.orphaned, "--", *self.command]
