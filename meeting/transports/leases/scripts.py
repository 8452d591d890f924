"""The scripts of leases, each in a file of its own behind what they have in common."""

from importlib.resources import files

from meeting.transports.redis.script import Script

_SHARED = files(__package__).joinpath("shared.lua").read_text(encoding="utf-8")


def _script(name: str) -> Script:
    return Script(_SHARED + Script.load(__package__, name).text)


TAKE = _script("take")
RENEW = _script("renew")
EXTEND = _script("extend")
REWRITE = _script("rewrite")
RELEASE = _script("release")
LIST = _script("list")
CLEAR = _script("clear")
OVER = _script("over")
