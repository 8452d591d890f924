"""The scripts of a queue, each in a file of its own behind what they have in common."""

from importlib.resources import files

from meeting.transports.redis.script import Script

SHARED = files(__package__).joinpath("shared.lua").read_text(encoding="utf-8")
"""Also stands before the script of whoever else lays letters into queues."""


def _script(*names: str) -> Script:
    parts = [files(__package__).joinpath(f"{name}.lua").read_text("utf-8") for name in names]
    return Script("\n".join((SHARED, *parts)))


PUT = _script("put")
TAKE = _script("finish", "take")
SETTLE = _script("finish", "settle")
EXTEND = _script("extend")
RELEASE = _script("release")
AGAIN = _script("again")
BURY = _script("bury")
PROGRESS = _script("progress")
CANCEL = _script("cancel")
SEEK = _script("seek")
FIND = _script("find")
DEPTH = _script("depth")
LIST = _script("list")
REVIVE = _script("revive")
PURGE = _script("purge")
