"""Structs of the domains' apis, made up by hypothesis from the types of their fields."""

import enum
import typing
from datetime import datetime
from types import NoneType, UnionType
from typing import Any

import msgspec
from hypothesis import strategies as st

from tests.unit.grpc.wires import MOMENTS

SINGLE: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    bytes: st.binary(max_size=50),
    datetime: MOMENTS,
    float: st.floats(allow_nan=False),
    int: st.integers(0, 2**31 - 1),
    str: st.text(max_size=50),
    NoneType: st.none(),
}


def structs(kind: Any) -> st.SearchStrategy[Any]:
    """Make up values of a type: of a struct, or of what a field of one may be."""
    if kind in SINGLE:
        return SINGLE[kind]
    found, inner = typing.get_origin(kind), typing.get_args(kind)
    if found in (typing.Union, UnionType):
        return st.one_of([structs(each) for each in inner])
    if found is list:
        return st.lists(structs(inner[0]), max_size=3)
    if found is dict:
        return st.dictionaries(structs(inner[0]), structs(inner[1]), max_size=3)
    if found is typing.Literal or issubclass(kind, enum.Enum):
        return st.sampled_from(inner or kind)
    assert issubclass(kind, msgspec.Struct), kind
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{name: structs(hints[name]) for name in kind.__struct_fields__})
