"""Builds one ONNX graph and writes it with its weights streamed, one tensor in memory at a time.

An ONNX file is one protobuf message. The nodes are built by `onnx`; the weights, which are nearly all
of the file, are written straight behind them as fields of the same message, so that a model of
200 MB needs the memory of its largest tensor and not three times its own size.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

OPSET = 17
IR_VERSION = 8
# field numbers and wire type 2 (length-delimited) of onnx.proto
GRAPH, INITIALIZER, RAW_DATA = (7 << 3) | 2, (5 << 3) | 2, (9 << 3) | 2

type_names = {"float32": 1, "int64": 7}

Load = Callable[[], "npt.NDArray[np.generic]"]
Dims = Sequence[int | str]


class Weight(msgspec.Struct, frozen=True):
    """A tensor that is loaded when it is written. `kind` is numpy's name of its type."""

    name: str
    kind: str
    shape: tuple[int, ...]
    load: Load


class Graph:
    """A graph under construction; every method that adds a node returns the name of its output."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.weights: dict[str, Weight] = {}

    def input(self, name: str, kind: str, dims: Dims) -> str:
        """Declare an input of the graph."""
        self.inputs.append(_declare(name, kind, dims))
        return name

    def output(self, name: str, kind: str, dims: Dims) -> None:
        """Declare the value `name` an output of the graph."""
        self.outputs.append(_declare(name, kind, dims))

    def weight(self, name: str, shape: tuple[int, ...], load: Load) -> str:
        """Add a float32 tensor that `load` gives when the file is written."""
        self.weights.setdefault(name, Weight(name, "float32", shape, load))
        return name

    def whole(self, *values: int) -> str:
        """Add a small int64 vector; the same vector is stored once."""
        import numpy as np  # noqa: PLC0415

        name = "i_" + "_".join(str(value) for value in values).replace("-", "m")
        array = np.array(values, dtype=np.int64)
        self.weights.setdefault(name, Weight(name, "int64", array.shape, lambda: array))
        return name

    def node(self, kind: str, *inputs: str, to: str = "", **attributes: Any) -> str:
        """Add a node with one output, named `to` or by the running number."""
        return self.split(kind, *inputs, to=(to or f"{kind.lower()}_{len(self.nodes)}",), **attributes)[0]

    def split(self, kind: str, *inputs: str, to: tuple[str, ...], **attributes: Any) -> tuple[str, ...]:
        """Add a node with the outputs `to`."""
        from onnx import helper  # noqa: PLC0415

        self.nodes.append(helper.make_node(kind, inputs, to, name=to[0], **attributes))
        return to

    def write(self, path: Path) -> None:
        """Write the model to `path`. The same graph and weights give the same bytes."""
        from onnx import helper  # noqa: PLC0415

        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs)
        bare = graph.SerializeToString(deterministic=True)
        model = helper.make_model(
            helper.make_graph([], "", [], []),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="meeting",
        )
        model.ClearField("graph")
        heads = [_head(weight) for weight in self.weights.values()]
        sizes = [len(head) + _bytes(weight) for head, weight in zip(heads, self.weights.values(), strict=True)]
        total = len(bare) + sum(1 + len(_varint(size)) + size for size in sizes)
        with path.open("wb") as file:
            file.write(model.SerializeToString(deterministic=True))
            file.write(bytes([GRAPH]) + _varint(total) + bare)
            for head, size, weight in zip(heads, sizes, self.weights.values(), strict=True):
                file.write(bytes([INITIALIZER]) + _varint(size) + head)
                file.write(_load(weight))


def _declare(name: str, kind: str, dims: Dims) -> Any:
    from onnx import helper  # noqa: PLC0415

    return helper.make_tensor_value_info(name, type_names[kind], list(dims))


def _bytes(weight: Weight) -> int:
    count = 8 if weight.kind == "int64" else 4
    for dim in weight.shape:
        count *= dim
    return count


def _head(weight: Weight) -> bytes:
    """Everything of the tensor's message but the data itself."""
    from onnx import TensorProto  # noqa: PLC0415

    tensor = TensorProto(name=weight.name, data_type=type_names[weight.kind], dims=weight.shape)
    return tensor.SerializeToString(deterministic=True) + bytes([RAW_DATA]) + _varint(_bytes(weight))


def _load(weight: Weight) -> memoryview:
    import numpy as np  # noqa: PLC0415

    # order="C" keeps a scalar a scalar, which ascontiguousarray does not
    array = np.asarray(weight.load(), dtype=np.dtype(weight.kind).newbyteorder("<"), order="C")
    if array.shape != weight.shape:
        message = f"{weight.name} has the shape {array.shape}, the graph expects {weight.shape}"
        raise ValueError(message)
    return memoryview(array.reshape(-1)).cast("B")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
