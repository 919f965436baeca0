"""ONNX files that anybody may have written: the model, checked, and its tensors. No code of a file runs.

Whoever imports this module makes sure that the package onnx is installed.
"""

import os
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from novacula.errors import InputError
from novacula.files.reading import read_buffer


def read_onnx(path: str | os.PathLike[str], max_bytes: int) -> onnx.ModelProto:
    """Returns the model of a file.

    Raises:
        InputError: the file is unreadable, too large, or no sound model.
    """
    try:
        model = onnx.load_model_from_string(bytes(read_buffer(path, max_bytes=max_bytes)))
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
    """Returns a tensor of a model.

    Raises:
        InputError: it lies in another file.
    """
    if tensor.data_location == tensor.EXTERNAL:
        raise InputError("onnx", f"tensor {tensor.name} lies in another file; save the model with its weights inside")
    return np.asarray(numpy_helper.to_array(tensor))
