"""A Lua script in a file of its own, which the server runs as one step."""

import hashlib
from importlib.resources import files
from typing import Self


class Script:
    """The text of a script, and the name that the server knows it by once it has seen it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    @classmethod
    def load(cls, package: str, name: str) -> Self:
        """Read `name.lua` of a package; its header gives KEYS, ARGV, result and invariant."""
        return cls(files(package).joinpath(f"{name}.lua").read_text(encoding="utf-8"))
