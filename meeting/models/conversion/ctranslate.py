"""Reads the binary weight file of a CTranslate2 model, without CTranslate2.

The layout, little endian: u32 format version, string spec name, u32 revision, u32 number of
variables; per variable its name, u8 rank, u32 per dimension, u8 type, u32 bytes, the data; then u32
number of aliases, each a pair of strings. A string is a u16 length that counts the closing NUL.
Nothing in the file is believed: each count is held against what is left of it.
"""

import math
import mmap
import struct
from pathlib import Path
from typing import Self

import msgspec
import numpy as np
import numpy.typing as npt

from meeting.models.errors import ConversionError

VERSION = 6
MAX_RANK = 8
MAX_VARIABLES = 100_000
# type number -> (numpy's name, bytes a value)
TYPES = {0: ("<f4", 4), 1: ("|i1", 1), 2: ("<i2", 2), 3: ("<i4", 4), 4: ("<f2", 2)}


class Variable(msgspec.Struct, frozen=True):
    """Where one variable lies in the file."""

    shape: tuple[int, ...]
    kind: int
    start: int


class Cursor:
    """Walks over the bytes and refuses to step past their end."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.at = 0

    def skip(self, count: int) -> int:
        """Step over `count` bytes; returns where they start."""
        start = self.at
        if count > len(self.data) - start:
            raise ConversionError(
                f"the weight file ends at byte {len(self.data)} inside a value at {start}"
            )
        self.at = start + count
        return start

    def number(self, form: str) -> int:
        """Read one number of the struct format `form`."""
        start = self.skip(struct.calcsize(form))
        return int(struct.unpack_from(form, self.data, start)[0])

    def text(self) -> str:
        """Read a string, without its closing NUL."""
        length = self.number("<H")
        start = self.skip(length)
        raw = bytes(self.data[start : start + length])
        if not raw.endswith(b"\0") or not raw[:-1].isascii():
            raise ConversionError(f"the weight file has no well-formed name at byte {start}")
        return raw[:-1].decode("ascii")


class Weights:
    """The variables of one file by name; arrays are views that cost no memory until used.

    Raises `ConversionError` for a file that is cut, lies about a count, or goes on after its end.
    """

    def __init__(self, data: memoryview) -> None:
        cursor = Cursor(data)
        version = cursor.number("<I")
        if version != VERSION:
            raise ConversionError(
                f"the weight file has format version {version}, this reader knows {VERSION}"
            )
        self.data = data
        self.spec = cursor.text()
        self.revision = cursor.number("<I")
        self.variables: dict[str, Variable] = {}
        for _ in range(self._count(cursor, "variables")):
            name = cursor.text()
            if name in self.variables:
                raise ConversionError(f"the weight file names {name} twice")
            self.variables[name] = _variable(cursor, name)
        for _ in range(self._count(cursor, "aliases")):
            alias, name = cursor.text(), cursor.text()
            if alias in self.variables or name not in self.variables:
                raise ConversionError(f"the weight file has a bad alias {alias} for {name}")
            self.variables[alias] = self.variables[name]
        if cursor.at != len(data):
            raise ConversionError(
                f"the weight file should end at byte {cursor.at}, it has {len(data)}"
            )

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map the file at `path`; its pages are read when an array is."""
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                raise ConversionError("the weight file is empty")
            return cls(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))

    def array(self, name: str, shape: tuple[int, ...] | None = None) -> npt.NDArray[np.generic]:
        """The variable `name` as a read-only view; with `shape` also held to that shape."""
        variable = self._find(name)
        if shape is not None and variable.shape != shape:
            raise ConversionError(f"{name} has the shape {variable.shape}, expected {shape}")
        kind, _ = TYPES[variable.kind]
        count = math.prod(variable.shape)
        flat = np.frombuffer(self.data, dtype=kind, count=count, offset=variable.start)
        return flat.reshape(variable.shape)

    def shape(self, name: str) -> tuple[int, ...]:
        """The dimensions of the variable `name`."""
        return self._find(name).shape

    def scalar(self, name: str) -> int:
        """The whole number that the variable `name` holds."""
        value = self.array(name, ())
        if value.dtype.kind != "i":
            raise ConversionError(f"{name} should be a whole number, it is {value.dtype}")
        return int(value)

    def _find(self, name: str) -> Variable:
        try:
            return self.variables[name]
        except KeyError:
            raise ConversionError(f"the weight file has no variable {name}") from None

    @staticmethod
    def _count(cursor: Cursor, what: str) -> int:
        count = cursor.number("<I")
        if count > MAX_VARIABLES:
            raise ConversionError(f"the weight file claims {count} {what}")
        return count


def _variable(cursor: Cursor, name: str) -> Variable:
    rank = cursor.number("<B")
    if rank > MAX_RANK:
        raise ConversionError(f"{name} claims {rank} dimensions")
    shape = tuple(cursor.number("<I") for _ in range(rank))
    kind = cursor.number("<B")
    if kind not in TYPES:
        raise ConversionError(f"{name} has the unknown type {kind}")
    size = cursor.number("<I")
    if size != math.prod(shape) * TYPES[kind][1]:
        raise ConversionError(
            f"{name} has {size} bytes for the shape {shape} of type {TYPES[kind][0]}"
        )
    return Variable(shape, kind, cursor.skip(size))
