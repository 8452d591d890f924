"""What a child is told when it is started: one argument of JSON."""

import sys
from pathlib import Path

import msgspec


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """Where the stores are, how much is to be done, and which part is broken."""

    seed: int
    tasks: int
    events: int
    folder: str
    """Of the journal, the allowance and the logs."""
    database: str
    redis: str = ""
    """Empty: the embedded layout, whose queue and feed are in the database."""
    sabotage: str = ""
    name: str = ""
    """Of the child; who holds a lease goes by it."""

    @property
    def written(self) -> str:
        """Return the argument of the child that is to follow them."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def given(cls) -> "Orders":
        """Read what this process was told."""
        return msgspec.json.decode(sys.argv[1], type=cls)

    @property
    def journal(self) -> Path:
        """Name the file of what was asked for and what was acknowledged."""
        return Path(self.folder) / "journal"

    @property
    def allowance(self) -> Path:
        """Name the file of how much may have been asked for by now."""
        return Path(self.folder) / "allowance"

    @property
    def strikes(self) -> Path:
        """Name the file of who was struck when."""
        return Path(self.folder) / "strikes"
