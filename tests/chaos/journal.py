"""The producer's own book: what it asked for, and what was acknowledged; outside of every store."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, Self

import msgspec

ASKED, ANSWERED = "?", "+"
Thing = tuple[str, int]
"""Of what kind it is, `task` for one, and its number."""


class Noted(Protocol):
    """What is asked for in one call, as far as the journal goes."""

    @property
    def number(self) -> int:
        """Its place in what is done; several may have the same."""

    @property
    def ids(self) -> str:
        """The things that are asked for, as `kind:number`, with spaces between them."""


class Journal:
    """Lines that the system has once they are written: they outlive a SIGKILL of the writer."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def asked(self, step: Noted) -> None:
        """Note what will be asked for now."""
        self._write(ASKED, step)

    def answered(self, step: Noted) -> None:
        """Note what was acknowledged."""
        self._write(ANSWERED, step)

    def _write(self, sign: str, step: Noted) -> None:
        os.write(self._file, f"{sign} {step.number} {step.ids}\n".encode())


class Book(msgspec.Struct, frozen=True):
    """What a journal says."""

    last: int
    """The number of the last step that was begun."""
    asked: set[Thing]
    answered: set[Thing]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a journal; one that nobody has begun is empty."""
        lines = path.read_text().splitlines() if path.exists() else []
        fields = [line.split() for line in lines]
        last = max((int(number) for _, number, *_ in fields), default=0)
        asked = {each for sign, _, *ids in fields if sign == ASKED for each in _things(ids)}
        answered = {each for sign, _, *ids in fields if sign == ANSWERED for each in _things(ids)}
        return cls(last, asked, answered)


def _things(ids: list[str]) -> Iterator[Thing]:
    for each in ids:
        kind, _, number = each.partition(":")
        yield kind, int(number)
