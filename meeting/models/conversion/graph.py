"""Builds one ONNX graph and writes it with its weights streamed, one tensor in memory at a time.

An ONNX file is one protobuf message. The nodes are built by `onnx`; the weights, nearly all of the
file, are written straight behind them as fields of the same message, so that a model of 200 MB
needs the memory of its largest tensor and not three times its own size.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

OPSET = 17
IR_VERSION = 8
# tags of onnx.proto: field number and wire type 2, length-delimited
GRAPH, INITIALIZER, RAW_DATA = (bytes([(field << 3) | 2]) for field in (7, 5, 9))
# numpy's name -> ONNX's number, bytes a value
TYPES = {"float32": (onnx.TensorProto.FLOAT, 4), "int64": (onnx.TensorProto.INT64, 8)}

Array = npt.NDArray[np.generic]
Dims = Sequence[int | str]
Tell = Callable[[int, int], None]


class Weight(msgspec.Struct, frozen=True):
    """A tensor of numpy's type `kind` that is loaded when it is written."""

    name: str
    kind: str
    shape: tuple[int, ...]
    load: Callable[[], Array]

    @property
    def length(self) -> int:
        """What its data take."""
        return math.prod(self.shape) * TYPES[self.kind][1]

    @property
    def head(self) -> bytes:
        """Everything of its message but the data."""
        tensor = onnx.TensorProto(name=self.name, data_type=TYPES[self.kind][0], dims=self.shape)
        return _bytes(tensor) + RAW_DATA + _varint(self.length)

    @property
    def data(self) -> memoryview:
        """Its data, row by row, little endian."""
        # order="C" keeps a scalar a scalar, which ascontiguousarray does not
        array: Array = np.asarray(self.load(), np.dtype(self.kind).newbyteorder("<"), order="C")
        if array.shape != self.shape:
            raise ValueError(f"{self.name} has the shape {array.shape}, not {self.shape}")
        return array.reshape(-1).view(np.uint8).data


class Graph:
    """A graph under construction; a method that adds a node returns the name of its output."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list[onnx.NodeProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.weights: dict[str, Weight] = {}

    def input(self, name: str, kind: str, dims: Dims) -> str:
        """Declare an input of the graph."""
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[kind][0], dims))
        return name

    def output(self, name: str, kind: str, dims: Dims) -> None:
        """Declare the value `name` an output of the graph."""
        self.outputs.append(helper.make_tensor_value_info(name, TYPES[kind][0], dims))

    def weight(self, name: str, shape: tuple[int, ...], load: Callable[[], Array]) -> str:
        """Add a float32 tensor that `load` gives when the file is written; once a name."""
        self.weights.setdefault(name, Weight(name, "float32", shape, load))
        return name

    def whole(self, *values: int) -> str:
        """Add a small int64 vector; the same vector is stored once."""
        array = np.array(values, np.int64)
        name = "whole" + "".join(f"_{value}" for value in values)
        self.weights.setdefault(name, Weight(name, "int64", array.shape, lambda: array))
        return name

    def node(self, kind: str, *inputs: str, to: str = "", **attributes: Any) -> str:
        """Add a node with one output, named `to`, or by a running number."""
        to = to or f"{kind.lower()}_{len(self.nodes)}"
        return self.split(kind, *inputs, to=(to,), **attributes)[0]

    def split(
        self, kind: str, *inputs: str, to: tuple[str, ...], **attributes: Any
    ) -> tuple[str, ...]:
        """Add a node with the outputs `to`."""
        self.nodes.append(helper.make_node(kind, inputs, to, name=to[0], **attributes))
        return to

    @property
    def length(self) -> int:
        """What all weights take."""
        return sum(weight.length for weight in self.weights.values())

    def write(self, path: Path, tell: Tell) -> None:
        """Write the model; the same graph and weights give the same bytes. `tell`: done, all."""
        bare = _bytes(helper.make_graph(self.nodes, self.name, self.inputs, self.outputs))
        frame = onnx.ModelProto(
            ir_version=IR_VERSION,
            producer_name="meeting",
            opset_import=[helper.make_opsetid("", OPSET)],
        )
        heads = []
        for weight in self.weights.values():
            head = weight.head
            heads.append(INITIALIZER + _varint(len(head) + weight.length) + head)
        total = len(bare) + sum(map(len, heads)) + self.length
        done = 0
        with path.open("wb") as file:
            file.write(_bytes(frame) + GRAPH + _varint(total) + bare)
            for head, weight in zip(heads, self.weights.values(), strict=True):
                file.write(head)
                done += file.write(weight.data)
                tell(done, self.length)


def _bytes(message: Any) -> bytes:
    return bytes(message.SerializeToString(deterministic=True))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    return bytes([*out, value])
