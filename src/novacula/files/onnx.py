"""ONNX files that anybody may have written: the model, checked, and its tensors. No code of a file runs.

Whoever imports this module makes sure that the package onnx is installed.
"""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from novacula.errors import InputError
from novacula.files.atomic import StrPath
from novacula.files.reading import read_buffer

_OUTSIDE = (
    "its weights lie in another file, which is not opened; torch.onnx.export(…, dynamo=False) writes them into this one"
)


def read_onnx(path: StrPath, max_bytes: int) -> onnx.ModelProto:
    """Returns the model of a file.

    Raises:
        InputError: the file is unreadable, too large, or no sound model, or its weights lie in another file.
    """
    try:
        model = onnx.load_model_from_string(bytes(read_buffer(path, max_bytes=max_bytes)))
        if any(tensor.data_location == tensor.EXTERNAL for tensor in _tensors(model.graph)):
            raise InputError(os.fspath(path), _OUTSIDE)
        onnx.checker.check_model(model)
    except Exception as error:
        if isinstance(error, InputError):
            raise
        raise InputError(os.fspath(path), f"is no sound ONNX model: {str(error).splitlines()[0][:200]}") from error
    return model


def onnx_constants(graph: Any) -> dict[str, np.ndarray]:  # pyright: ignore[reportExplicitAny]
    """Returns the initial values of a graph by their names."""
    return {tensor.name: onnx_array(tensor) for tensor in graph.initializer}


def onnx_array(tensor: Any) -> np.ndarray:  # pyright: ignore[reportExplicitAny]
    """Returns a tensor of a model of `read_onnx`, which has none in another file."""
    return np.asarray(numpy_helper.to_array(tensor))


def _tensors(graph: Any) -> Iterator[Any]:  # pyright: ignore[reportExplicitAny]
    """All tensors of a graph, and of the graphs in its nodes."""
    yield from graph.initializer
    for tensor in graph.sparse_initializer:
        yield from (tensor.values, tensor.indices)
    for attribute in (each for node in graph.node for each in node.attribute):
        yield from (attribute.t, *attribute.tensors)
        for inner in (attribute.g, *attribute.graphs):
            yield from _tensors(inner)
