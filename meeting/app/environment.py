"""Settings as the environment of another process, so that no command line shows them."""

import os
from collections.abc import Mapping
from typing import Any

from meeting.app.config import Config, Wrong
from meeting.app.load import keys, variable
from meeting.kernel.secret import Secret

FILE = "MEETING_CONFIG"


def environment(config: Config, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return our environment with exactly these settings; those of our own, and its file, are out.

    Every user who may read a process's environment may read its memory, too.
    """
    known = {variable(key): key for key, _ in keys()}
    given = os.environ if own is None else own
    made = {name: value for name, value in given.items() if name not in known and name != FILE}
    usual = Config()
    for name, key in known.items():
        value = _text(key, _at(config, key))
        if value != _text(key, _at(usual, key)):
            made[name] = value
    return made


def _at(config: Config, key: str) -> Any:
    found: Any = config
    for name in key.split("."):
        found = getattr(found, name)
    return found


def _text(key: str, value: Any) -> str:
    """Write a value as `load` reads it."""
    if isinstance(value, tuple):
        for each in value:
            if "," in each or each != each.strip():
                raise Wrong(f"{key}: found {each!r}; allowed in a split: texts without commas")
        return ",".join(value)
    if isinstance(value, Secret):
        return value.reveal()
    return str(value).lower() if isinstance(value, bool) else str(value)
