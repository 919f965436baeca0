"""Multilayer perceptrons in ONNX files, of any exporter, and the steps that other libraries' networks consist of.

A step is an affine map or the name of an activation. Neighboring affine maps are multiplied together. A logistic unit
is a hyperbolic tangent: 1 / (1 + exp(-z)) = (1 + tanh(z / 2)) / 2. Source: ours.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from jaxtyping import Float

from novacula.errors import InputError
from novacula.files import StrPath, check_file
from novacula.hypernet.architecture import ACTIVATIONS, Architecture
from novacula.hypernet.network import MAX_BYTES, TargetNetwork
from novacula.options import refuse, unless_installed

ALIASES = {name: name for name in ACTIVATIONS} | {"silu": "swish", "sigmoid": "logistic", "logistic": "logistic"}
"""The names of activations, and what they are called here."""
_CHECKED = 64  #: random inputs on which a network is compared with what the other library computes
_BENT = 3.0  #: the largest argument of a first unit on further inputs, where inputs about 1 bend none, or all too much
_FAR = 1e15  #: no further inputs are larger, nor smaller than its inverse
Run = Callable[[Float[np.ndarray, "batch inputs"]], Float[np.ndarray, "batch outputs"]]


@dataclass(frozen=True, eq=False)
class Affine:
    """A map x ↦ weight · x + bias."""

    weight: np.ndarray  #: its matrix; a vector stands for a diagonal one
    bias: np.ndarray | None = None  #: its offset; None for zeros

    def then(self, later: "Affine") -> "Affine":
        """Returns the map that applies `later` to what this one gives."""
        if later.weight.ndim == 2:
            weight, moved = later.weight @ self.matrix, None if self.bias is None else later.weight @ self.bias
        else:
            weight = (later.weight[:, None] if self.weight.ndim == 2 else later.weight) * self.weight
            moved = None if self.bias is None else later.weight * self.bias
        biases = [bias for bias in (moved, later.bias) if bias is not None]
        return Affine(weight, np.broadcast_to(sum(biases[1:], biases[0]), len(weight)) if biases else None)

    @property
    def matrix(self) -> np.ndarray:
        """The weight as a matrix."""
        return np.diag(self.weight) if self.weight.ndim == 1 else self.weight


Step = Affine | str


def assembled(steps: Sequence[Step], source: str, provenance: Mapping[str, str]) -> TargetNetwork:
    """The network of some steps, if they are those of a multilayer perceptron."""
    maps: list[list[Affine]] = [[]]
    activations: list[str] = []
    for step in steps:
        if isinstance(step, Affine):
            maps[-1].append(step)
        else:
            activations.append(ALIASES.get(step, step))
            maps.append([])
    problems = [f"the activation {name} is not known; {', '.join(ALIASES)} are" for name in {*activations} - {*ALIASES}]
    if len({*activations}) > 1:
        problems.append(f"its layers have different activations: {', '.join(dict.fromkeys(activations))}")
    if not activations:
        problems.append("has no activation between its layers: it is one affine map")
    elif not maps[-1]:
        problems.append(f"ends in {activations[-1]}; give the network without its last function")
    elif not all(maps):
        problems.append("has two activations in a row, or one before its first layer")
    refuse(problems, source)
    try:
        layers = [reduce(Affine.then, each) for each in maps]
    except ValueError as error:
        raise InputError(source, "has layers whose sizes do not follow each other") from error
    weights = [np.asarray(layer.matrix, np.float64) for layer in layers]
    biases = [np.zeros(len(each.matrix)) if each.bias is None else np.asarray(each.bias, np.float64) for each in layers]
    if not all(np.isfinite(array).all() for array in (*weights, *biases)):
        raise InputError(source, "has weights that are not finite")
    if broken := [i for i in range(1, len(weights)) if weights[i].shape[1] != len(weights[i - 1])]:
        taken, given = weights[broken[0]].shape[1], len(weights[broken[0] - 1])
        raise InputError(source, f"layer {broken[0]} takes {taken} numbers; the one before gives {given}")
    activation = activations[0]
    if activation == "logistic":
        activation = "tanh"
        for i in range(len(weights) - 1):
            weights[i], biases[i] = weights[i] / 2, biases[i] / 2
            biases[i + 1] = biases[i + 1] + weights[i + 1].sum(1) / 2
            weights[i + 1] = weights[i + 1] / 2
    sizes = (weights[0].shape[1], *map(len, weights))
    return TargetNetwork(Architecture(sizes, activation), tuple(weights), tuple(biases), provenance=dict(provenance))  # pyright: ignore[reportArgumentType]


def compared(network: TargetNetwork, run: Run, source: str, tolerance: float) -> TargetNetwork:
    """The network, if the other library computes the same: on inputs about 1, and on some that bend the first units."""
    x = np.random.default_rng(0).standard_normal((_CHECKED, network.architecture.inputs))
    first = float(np.abs(x @ network.weights[0].T).max(initial=0.0))
    scale = _BENT / first if first else 1.0
    scales = [1.0, scale] if 1 / _FAR < scale < _FAR and not 1 / _BENT < scale < _BENT else [1.0]
    for factor in scales:
        _compare(network, run, factor * x, source, tolerance)
    return network


def _compare(network: TargetNetwork, run: Run, x: np.ndarray, source: str, tolerance: float) -> None:
    try:
        theirs = run(x)
    except Exception as error:
        raise InputError(
            source, f"cannot be run on {network.architecture.inputs} numbers: {str(error)[:200]}"
        ) from error
    ours = network(x)
    # The scale is that of rounding: networks of small outputs are compared as closely as others.
    scale = max(min(1 + float(np.max(np.abs(theirs))), network.size(x)), 1e-300)
    off = math.inf if ours.shape != theirs.shape else float(np.max(np.abs(ours - theirs))) / scale
    if not off <= tolerance:
        raise InputError(source, f"computes something else than its layers in order: outputs differ by {off:.3g}")


def from_onnx(path: StrPath) -> TargetNetwork:
    """Reads a multilayer perceptron that any exporter wrote, and compares it with ONNX's own reference evaluation.

    Raises:
        InputError: the file is unreadable; it computes with an operator that is none of a perceptron's, all of which
            are named; or the package onnx is not installed.
    """
    source = os.fspath(path)
    check_file(path, max_bytes=MAX_BYTES)
    refuse(unless_installed("reading ONNX", "onnx", "onnx"), source)
    import onnx
    from onnx.reference import ReferenceEvaluator

    from novacula.files.onnx import onnx_constants, read_onnx

    model = read_onnx(path, MAX_BYTES)
    network = assembled(_onnx_steps(model.graph, source), source, {"format": "onnx", "producer": model.producer_name})
    data = next(each for each in model.graph.input if each.name not in onnx_constants(model.graph))
    kind = np.float64 if data.type.tensor_type.elem_type == onnx.TensorProto.DOUBLE else np.float32
    evaluator = ReferenceEvaluator(model)

    def run(x: Float[np.ndarray, "batch inputs"]) -> Float[np.ndarray, "batch outputs"]:
        rows = [next(iter(evaluator.run(None, {data.name: row[None].astype(kind)}))) for row in x]
        return np.asarray(rows, np.float64).reshape(len(x), -1)

    return compared(network, run, source, 1e-4)


def _onnx_steps(graph: Any, source: str) -> list[Step]:  # pyright: ignore[reportExplicitAny]
    """The steps from the graph's input to its output."""
    from onnx import helper

    from novacula.files.onnx import onnx_array, onnx_constants

    constants = onnx_constants(graph)
    data = [each.name for each in graph.input if each.name not in constants]
    chains: dict[str, list[Step]] = {name: [] for name in data[:1]}
    strange: list[str] = [] if len(data) == 1 else [f"has {len(data)} inputs; one is needed"]
    for node in graph.node:
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        if node.op_type == "Constant" and "value" in attributes:
            constants[node.output[0]] = onnx_array(attributes["value"])
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
