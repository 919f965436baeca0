"""Multilayer perceptrons in ONNX files, of any exporter. Source: ours."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from novacula.errors import InputError
from novacula.files import read_buffer
from novacula.hypernet.network import MAX_BYTES, TargetNetwork
from novacula.hypernet.steps import Affine, Step, assembled, compared
from novacula.options import refuse, unless_installed


def from_onnx(path: str | os.PathLike[str]) -> TargetNetwork:
    """Reads a multilayer perceptron that any exporter wrote, and compares it with ONNX's own reference evaluation.

    Raises:
        InputError: the file is unreadable; it computes with an operator that is none of a perceptron's, all of which
            are named; or the package onnx is not installed.
    """
    source = os.fspath(path)
    refuse(unless_installed("reading ONNX", "onnx", "onnx"), source)
    import onnx
    from onnx.reference import ReferenceEvaluator

    try:
        model = onnx.load_model_from_string(bytes(read_buffer(path, max_bytes=MAX_BYTES)))
        onnx.checker.check_model(model)
    except Exception as error:
        if isinstance(error, InputError):
            raise
        raise InputError(source, f"is no sound ONNX model: {str(error).splitlines()[0][:200]}") from error
    network = assembled(_onnx_steps(model.graph, source), source, {"format": "onnx", "producer": model.producer_name})
    name = next(each.name for each in model.graph.input if each.name not in _initial(model.graph))
    kind = np.float64 if _element_type(model.graph, name) == onnx.TensorProto.DOUBLE else np.float32
    evaluator = ReferenceEvaluator(model)

    def run(x: Float[np.ndarray, "batch inputs"]) -> Float[np.ndarray, "batch outputs"]:
        rows = [next(iter(evaluator.run(None, {name: row[None].astype(kind)}))) for row in x]
        return np.asarray(rows, np.float64).reshape(len(x), -1)

    return compared(network, run, source, 1e-4)


def _onnx_steps(graph: Any, source: str) -> list[Step]:  # pyright: ignore[reportExplicitAny]
    """The steps from the graph's input to its output."""
    from onnx import helper

    constants = _initial(graph)
    data = [each.name for each in graph.input if each.name not in constants]
    chains: dict[str, list[Step]] = {name: [] for name in data[:1]}
    strange: list[str] = [] if len(data) == 1 else [f"has {len(data)} inputs; one is needed"]
    for node in graph.node:
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        if node.op_type == "Constant" and "value" in attributes:
            constants[node.output[0]] = _array(attributes["value"])
            continue
        if node.op_type == "Transpose" and node.input[0] in constants:
            constants[node.output[0]] = np.transpose(constants[node.input[0]], attributes.get("perm"))
            continue
        known = [chains[name] for name in node.input if name in chains]
        values = [constants[name] for name in node.input if name in constants]
        step = _onnx_step(node.op_type, attributes, known, values, node.input[0] in constants) if known else None
        if step is None:
            strange.append(f"computes with {node.op_type}, which no multilayer perceptron here has")
            continue
        chains[node.output[0]] = step
    if not strange and graph.output[0].name not in chains:
        strange.append("its output does not follow from its input")
    if strange:
        raise InputError(source, *dict.fromkeys(strange))
    return chains[graph.output[0].name]


def _onnx_step(
    kind: str, options: Mapping[str, Any], chains: Sequence[list[Step]], values: list[np.ndarray], constant_first: bool
) -> list[Step] | None:
    """The steps after one node, or None where a perceptron has no such node."""
    chain = chains[0]
    simple = {"Relu": "relu", "Tanh": "tanh", "Sigmoid": "logistic", "Softplus": "softplus", "Abs": "abs", "Sin": "sin"}
    match kind, values:
        case "Gemm", [weight, *bias] if not options.get("transA") and not constant_first:
            weight = weight if options.get("transB") else weight.T
            offset = options.get("beta", 1.0) * np.broadcast_to(bias[0], len(weight)) if bias else None
            return [*chain, Affine(options.get("alpha", 1.0) * weight, offset)]
        case "MatMul", [weight] if weight.ndim == 2 and not constant_first:
            return [*chain, Affine(weight.T)]
        case (("Add" | "Sub"), [offset]) if not (kind == "Sub" and constant_first):
            if offset.size == 1 and not (chain and isinstance(chain[-1], Affine)):
                return None
            return [*chain, Affine(np.ones(offset.size), (-1 if kind == "Sub" else 1) * offset.reshape(-1))]
        case (("Identity" | "Flatten" | "Reshape" | "Dropout" | "Cast" | "Squeeze" | "Unsqueeze"), _):
            return chain
        case "Gelu", [] if options.get("approximate", b"none") == b"none":
            return [*chain, "gelu"]
        case "Swish", [] if options.get("alpha", 1.0) == 1.0:
            return [*chain, "swish"]
        case "Pow", [power] if power.size == 1 and power.item() == 2 and not constant_first:
            return [*chain, "square"]
        case "Mul", [] if len(chains) == 2:
            short, long = sorted(chains, key=len)
            if long[:-1] == short and long[-1] == "logistic":
                return [*short, "swish"]
            return [*chain, "square"] if long is short or long == short else None
        case _, []:
            return [*chain, simple[kind]] if kind in simple else None
        case _:
            return None


def _initial(graph: Any) -> dict[str, np.ndarray]:  # pyright: ignore[reportExplicitAny]
    return {tensor.name: _array(tensor) for tensor in graph.initializer}


def _array(tensor: Any) -> np.ndarray:  # pyright: ignore[reportExplicitAny]
    from onnx import numpy_helper

    if tensor.data_location == tensor.EXTERNAL:
        raise InputError("onnx", f"tensor {tensor.name} lies in another file; save the model with its weights inside")
    return np.asarray(numpy_helper.to_array(tensor))


def _element_type(graph: Any, name: str) -> int:  # pyright: ignore[reportExplicitAny]
    return next(each.type.tensor_type.elem_type for each in graph.input if each.name == name)
