"""ONNX files that anybody may have written: the model, checked, and its tensors. No code of a file runs.

Whoever imports this module makes sure that the package onnx is installed.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from novacula.errors import InputError
from novacula.files.atomic import StrPath
from novacula.files.reading import read_buffer

_OUTSIDE = (
    "its weights lie in another file, of which only one called {} is opened; "
    "torch.onnx.export(…, dynamo=False) writes them into this one"
)


def read_onnx(path: StrPath, max_bytes: int) -> onnx.ModelProto:
    """Returns the model of a file. Its weights may lie beside it in the file that torch writes, as NAME.onnx.data.

    Raises:
        InputError: a file is unreadable, too large, or no sound model, or its weights lie anywhere else.
    """
    try:
        model = onnx.load_model_from_string(bytes(read_buffer(path, max_bytes=max_bytes)))
        if outside := [tensor for tensor in _tensors(model.graph) if tensor.data_location == tensor.EXTERNAL]:
            _bring_in(outside, os.fspath(path), max_bytes)
        onnx.checker.check_model(model)
    except Exception as error:
        if isinstance(error, InputError):
            raise
        raise InputError(os.fspath(path), f"is no sound ONNX model: {str(error).splitlines()[0][:200]}") from error
    return model


def _bring_in(tensors: Sequence[Any], path: str, max_bytes: int) -> None:
    """Puts the weights of the file beside the model into the model."""
    beside = f"{path}.data"
    said = [{entry.key: entry.value for entry in tensor.external_data} for tensor in tensors]
    if any(each.get("location") != os.path.basename(beside) for each in said):
        raise InputError(path, _OUTSIDE.format(os.path.basename(beside)))
    content = read_buffer(beside, max_bytes=max_bytes)
    for tensor, each in zip(tensors, said, strict=True):
        begin, count = int(each.get("offset", 0)), int(each.get("length", -1))
        values = content[begin : begin + count]
        max_bytes -= count
        if min(begin, count, max_bytes) < 0 or len(values) < count:
            raise InputError(beside, f"does not hold the tensor {tensor.name[:60]} where {path} says")
        tensor.raw_data = bytes(values)
        tensor.ClearField("external_data")
        tensor.data_location = tensor.DEFAULT


def onnx_constants(graph: Any) -> dict[str, np.ndarray]:  # pyright: ignore[reportExplicitAny]
    """Returns the initial values of a graph by their names."""
    return {tensor.name: onnx_array(tensor) for tensor in graph.initializer}


def onnx_array(tensor: Any) -> np.ndarray:  # pyright: ignore[reportExplicitAny]
    """Returns a tensor of a model of `read_onnx`, which has none in another file."""
    return np.asarray(numpy_helper.to_array(tensor))


def _tensors(graph: Any) -> Iterator[Any]:  # pyright: ignore[reportExplicitAny]
    """Yields all tensors of a graph, and of the graphs in its nodes."""
    yield from graph.initializer
    for tensor in graph.sparse_initializer:
        yield from (tensor.values, tensor.indices)
    for attribute in (each for node in graph.node for each in node.attribute):
        yield from (attribute.t, *attribute.tensors)
        for inner in (attribute.g, *attribute.graphs):
            yield from _tensors(inner)
