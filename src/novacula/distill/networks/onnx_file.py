"""Recurrent networks in ONNX files: RNN, GRU or LSTM nodes with a read-out, as torch's exporter writes them.

What a file does not say is asked of the options: `length`, `low` and `high`, or `alphabet`; its metadata may say more,
in the words of `novacula.distill.networks.foreign`. Nodes that only make a first state of zeros are left out, and what
remains is compared with ONNX's own reference evaluation. Source: ours.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from novacula.distill.config import RunConfig
from novacula.distill.networks.cells import CellNetwork, compared_steps, largest_difference
from novacula.distill.networks.foreign import read_cells
from novacula.distill.networks.network import MAX_BYTES
from novacula.errors import InputError
from novacula.files import StrPath
from novacula.options import refuse, unless_installed

_KINDS = {"RNN": (0,), "GRU": (1, 0, 2), "LSTM": (0, 2, 3, 1)}  #: where torch's gates stand among those of ONNX
_ACTIVATIONS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}
_LAYOUT = ("Cast", "Transpose", "Squeeze", "Unsqueeze", "Reshape", "Identity", "Dropout", "Flatten")
_SHAPES = ("Shape", "Gather", "Concat", "Slice", "Mul", "Add", "Sub", "Div", "Expand", *_LAYOUT)
_STEPS = ("MatMul", "Tanh", "Relu", "Sigmoid", "OneHot", "Equal", "ConstantOfShape", *_SHAPES)
_LARGEST = 1e7  #: the most numbers that sizes in a graph make, but for those of inputs
_ONE_NODE = "torch.onnx.export(…, dynamo=False) writes a recurrent layer of torch as one node"
_ENDS = "ends in an activation; export the network without its last function"
_FOLDED = ("Transpose", "Identity", "Squeeze", "Unsqueeze", "Concat", "Slice", "Cast", "Reshape")
_ROWS = 5
_NEAR = 1e-4
_Node = Any


@dataclass(frozen=True)
class _Read:
    """What was read on the way from the input to a value."""

    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Tensors by the names of `novacula.distill.networks.foreign`."""
    said: Mapping[str, str] = field(default_factory=dict)  #: metadata
    cells: int = 0  #: recurrent layers
    linear: int = 0  #: layers of the read-out
    activated: bool = False  #: whether an activation came last


class _StrangeError(Exception):
    """A node computes something that is not read here."""


def load_onnx_network(path: StrPath, config: RunConfig) -> CellNetwork:
    """Returns the recurrent network of an ONNX file.

    Raises:
        InputError: the file is unreadable, its first node that is no part of such a network, which is named, or the
            network computes something else than was read; or the package onnx is not installed.
    """
    source = os.fspath(path)
    refuse(unless_installed("reading ONNX", "onnx", "onnx"), source)
    from novacula.files.onnx import read_onnx

    model = read_onnx(path, MAX_BYTES)
    reader = _Reader(model.graph)
    try:
        read = reader.read()
    except _StrangeError as error:
        raise InputError(source, str(error)) from error
    metadata = {"length": str(config.length), **read.said}
    if config.alphabet:
        metadata["alphabet"] = json.dumps(config.words)
    else:
        symbols = reader.symbols(read, config)
        if symbols and config.high not in (RunConfig.high, config.low + symbols - 1):
            raise InputError(source, f"reads {symbols} inputs from --low on, so --high cannot be {config.high}")
        metadata |= {"low": str(config.low), "high": str(config.low + symbols - 1 if symbols else config.high)}
    metadata |= {entry.key: entry.value for entry in model.metadata_props}
    network = read_cells(read.arrays, metadata, source)
    _compare(reader, model, network, read, source)
    return network


class _Reader:
    """Reads a graph from its input to its first output."""

    def __init__(self, graph: Any) -> None:  # pyright: ignore[reportExplicitAny]
        from novacula.files.onnx import onnx_constants

        self.graph = graph
        self.constants = onnx_constants(graph)
        self.inputs = [each for each in graph.input if each.name not in self.constants]
        self.kept: list[_Node] = []
        self._shapes: set[str] = set()
        self._zeros: set[str] = set()
        self._reads: dict[str, _Read] = {}

    def read(self) -> _Read:
        """Returns what leads to the first output."""
        if len(self.inputs) != 1:
            raise _StrangeError(f"has {len(self.inputs)} inputs; one is needed, and a state that starts at 0")
        self._reads[self.inputs[0].name] = _Read()
        nodes = self._needed()
        if not any(node.op_type in _KINDS for node in nodes):
            return self._unrolled(nodes)
        for node in nodes:
            self._node(node)
        read = self._reads.get(self.graph.output[0].name)
        if read is None or not read.cells:
            raise _StrangeError("has no RNN, GRU or LSTM between its input and its first output")
        if read.activated:
            raise _StrangeError(_ENDS)
        return read

    def symbols(self, read: _Read, config: RunConfig) -> int:
        """The number of inputs where a table or one-hot vectors tell; 0 for numbers.

        Several numbers a step are a one-hot vector, unless a range of another size is asked for.
        """
        if "embedding.weight" in read.arrays:
            return len(read.arrays["embedding.weight"])
        width, size = read.arrays["core.weight_ih_l0"].shape[1], config.high - config.low + 1
        asked = (config.low, config.high) != (RunConfig.low, RunConfig.high) and size != width
        return width if read.said.get("input") == "one-hot" or (width > 1 and not asked) else 0

    def _needed(self) -> list[_Node]:
        """The nodes that the first output depends on, in their order."""
        wanted, nodes = {self.graph.output[0].name}, []
        for node in reversed(self.graph.node):
            if wanted & {*node.output} - {""}:
                wanted |= {*node.input}
                nodes.append(node)
        return nodes[::-1]

    def _node(self, node: _Node) -> None:
        from novacula.files.onnx import onnx_array

        kind, out, options = node.op_type, node.output[0], _options(node)
        given = [name for name in node.input if name]
        data = [name for name in given if name in self._reads]
        if self._constant(node, options):
            return
        if kind == "ConstantOfShape" and not ("value" in options and onnx_array(options["value"]).any()):
            self._zeros.add(out)
        elif kind == "Shape" or (kind in _SHAPES and not data and (self._shapes | self._zeros) & {*given}):
            zero = self._zeros & {*given} or (kind == "Expand" and self._is_zero(given[0]))
            (self._zeros if zero else self._shapes).add(out)
            if not zero and kind != "Expand":
                self.kept.append(node)
        elif len(data) == 1:
            self.kept.append(node)
            self._reads[out] = self._after(node, options, self._reads[data[0]], data[0])
        else:
            raise _StrangeError(f"{_named(node)} is not read here")

    def _constant(self, node: _Node, options: dict) -> bool:
        """Whether a node makes a constant, which is kept."""
        from novacula.files.onnx import onnx_array

        given = [name for name in node.input if name]
        if node.op_type == "Constant" and "value" in options:
            self.constants[node.output[0]] = onnx_array(options["value"])
        elif node.op_type in _FOLDED and given and all(name in self.constants for name in given):
            self.constants[node.output[0]] = self._folded(node, given)
        return node.output[0] in self.constants

    def _unrolled(self, nodes: list[_Node]) -> _Read:
        """The layers of an `nn.RNN` of which every step has nodes of its own, as torch's new exporter writes it.

        The graph uses the matrix of the state once a step, and the matrix of the inputs once in all. The read-out
        follows the last state. So the number of uses distinguishes the matrices. Afterwards the result is compared
        with what the nodes compute, as for all graphs.
        """
        uses: dict[str, int] = {}
        biases: dict[str, np.ndarray] = {}
        owner: dict[str, str] = {}
        activations: list[tuple[int, str]] = []
        read, large = _Read(), 1.0
        for node in nodes:
            options = _options(node)
            if self._constant(node, options):
                continue
            self.kept.append(node)
            kind, (first, second, *_) = node.op_type, (*node.input, "", "")
            if kind in ("Concat", "Expand", "ConstantOfShape"):  # what evaluating the nodes makes
                sizes = [self.constants[name] for name in node.input if name in self.constants]
                large *= float(np.prod([np.maximum(1.0, size).prod() for size in sizes if size.dtype.kind in "iuf"]))
            if not large <= _LARGEST or kind not in _STEPS:
                raise _StrangeError(f"{_named(node)} is not read here; {_ONE_NODE}")
            if kind in ("Gather", "OneHot") and not uses:
                read = self._after(node, options, read, second if kind == "Gather" else first)
            elif kind == "MatMul" and second in self.constants:
                uses[second] = uses.get(second, 0) + 1
                owner[node.output[0]] = second
            elif kind == "Add" and first in owner and second in self.constants:
                biases[owner[first]] = self.constants[second].reshape(-1)
            elif kind in ("Tanh", "Relu", "Sigmoid"):
                activations.append((len(uses), kind.lower()))
        names, many = [*uses], [count > 1 for count in uses.values()]
        cells = sum(many)
        inner = {kind for place, kind in activations if place <= 2 * cells}
        outer = {kind for place, kind in activations if place > 2 * cells}
        if not cells or many[: 2 * cells] != [False, True] * cells or len(inner) != 1 or len(outer) > 1:
            raise _StrangeError(f"has no RNN, GRU or LSTM between its input and its first output; {_ONE_NODE}")
        if activations[-1][0] == len(names) > 2 * cells:
            raise _StrangeError(_ENDS)
        arrays = {}
        for place, name in enumerate(names):
            layer = f"core.{{}}_{'ih' if place % 2 == 0 else 'hh'}_l{place // 2}"
            layer = layer if place < 2 * cells else f"readout.{place - 2 * cells}.{{}}"
            arrays[layer.format("weight")] = self.constants[name].T
            arrays |= {layer.format("bias"): biases[name]} if name in biases else {}
        said = {"nonlinearity": inner.pop(), **({"activation": outer.pop()} if outer else {})}
        return replace(_with(read, arrays, said), cells=cells, linear=len(names) - 2 * cells)

    def _is_zero(self, name: str) -> bool:
        return name in self._zeros or (name in self.constants and not self.constants[name].any())

    def _folded(self, node: _Node, given: list[str]) -> np.ndarray:
        from onnx import TensorProto, helper
        from onnx.reference import ReferenceEvaluator

        inputs = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in dict.fromkeys(given)]
        output = helper.make_tensor_value_info(node.output[0], TensorProto.UNDEFINED, None)
        model = helper.make_model(helper.make_graph([node], "constants", inputs, [output]))
        values = {name: self.constants[name] for name in given}
        if sum(value.nbytes for value in values.values()) > MAX_BYTES:
            raise _StrangeError(f"{_named(node)} makes a constant that is too large")
        return np.asarray(next(iter(ReferenceEvaluator(model).run(None, values))))

    def _after(self, node: _Node, options: dict, read: _Read, data: str) -> _Read:
        """What is known after a node."""
        kind, values = node.op_type, [self.constants[name] for name in node.input if name in self.constants]
        first = node.input[0] == data
        simple = {"Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid"}
        match kind, values:
            case _, _ if kind in _LAYOUT and first:
                return read
            case "Gather", [table] if not first and not read.cells and table.ndim == 2 and not options.get("axis", 0):
                return _with(read, {"embedding.weight": table}, {"input": "embedding"})
            case "OneHot", [_, ends] if first and not read.cells and ends.tolist() == [0, 1]:
                return _with(read, {}, {"input": "one-hot"})
            case "Equal", [places] if not read.cells and places.ravel().tolist() == [*range(places.size)]:
                return _with(read, {}, {"input": "one-hot"})
            case _, _ if kind in _KINDS and first and not read.linear:
                return self._cell(node, options, read)
            case "MatMul", [weight] if first and weight.ndim == 2 and read.cells:
                return _linear(read, weight.T, None)
            case "Gemm", [weight, *bias] if first and read.cells and not options.get("transA"):
                weight = weight if options.get("transB") else weight.T
                offset = options.get("beta", 1.0) * np.broadcast_to(bias[0], len(weight)) if bias else None
                return _linear(read, options.get("alpha", 1.0) * weight, offset)
            case "Add", [bias] if read.linear and not read.activated:
                name = f"readout.{read.linear - 1}.bias"
                if name not in read.arrays:
                    width = len(read.arrays[name.replace("bias", "weight")])
                    return _with(read, {name: np.broadcast_to(bias.reshape(-1), width)}, {})
            case _, [] if kind in simple and read.linear and not read.activated:
                if read.said.get("activation", simple[kind]) == simple[kind]:
                    return replace(_with(read, {}, {"activation": simple[kind]}), activated=True)
        raise _StrangeError(f"{_named(node)} is not read here")

    def _cell(self, node: _Node, options: dict, read: _Read) -> _Read:
        """A recurrent layer in torch's order of gates."""
        kind, (_, w, r, b, lengths, *states) = node.op_type, (*node.input, *[""] * 8)[:8]
        activations = [text.decode() for text in options.get("activations", [])] or _ACTIVATIONS[kind]
        relu = kind == "RNN" and activations == ["Relu"]
        wrong = {
            "has a first state other than 0": not all(not name or self._is_zero(name) for name in states[:2]),
            "has lengths or peepholes": bool(lengths or states[2]),
            "is not of one direction, forward": options.get("direction", b"forward") != b"forward",
            "has other activations than torch's": activations != _ACTIVATIONS[kind] and not relu,
            "resets before its matrix (linear_before_reset is 0)": kind == "GRU"
            and not options.get("linear_before_reset"),
            "has clip, layout or input_forget": any(options.get(name) for name in ("clip", "layout", "input_forget")),
            "has weights that are no constants": not all(not name or name in self.constants for name in (w, r, b)),
        }
        if problem := next((said for said, holds in wrong.items() if holds), ""):
            raise _StrangeError(f"{_named(node)} {problem}")
        across = self.constants[r][0]
        width, gates = across.shape[1], len(_KINDS[kind])
        order = np.concatenate([np.arange(width) + gate * width for gate in _KINDS[kind]])
        biases = self.constants[b][0] if b else np.zeros(2 * gates * width)
        parts = {"weight_ih": self.constants[w][0], "weight_hh": across}
        parts |= {"bias_ih": biases[: gates * width], "bias_hh": biases[gates * width :]}
        arrays = {f"core.{name}_l{read.cells}": array[order] for name, array in parts.items()}
        said = {"nonlinearity": "relu" if relu else "tanh"} if kind == "RNN" else {}
        if said and {**said, **read.said} != {**read.said, **said}:
            raise _StrangeError(f"{_named(node)} has another activation than the layer below")
        for name in states[:2]:  # a first state of zeros is what there is without one
            for place, given in enumerate(node.input):
                if name and given == name:
                    node.input[place] = ""
        return replace(_with(read, arrays, said), cells=read.cells + 1, activated=False)


def _with(read: _Read, arrays: Mapping[str, np.ndarray], said: Mapping[str, str]) -> _Read:
    return replace(read, arrays={**read.arrays, **arrays}, said={**read.said, **said})


def _linear(read: _Read, weight: np.ndarray, bias: np.ndarray | None) -> _Read:
    """A further layer of the read-out."""
    arrays = {f"readout.{read.linear}.weight": weight}
    arrays |= {} if bias is None else {f"readout.{read.linear}.bias": bias}
    return replace(_with(read, arrays, {}), linear=read.linear + 1, activated=False)


def _options(node: _Node) -> dict:
    from onnx import helper

    return {each.name: helper.get_attribute_value(each) for each in node.attribute}


def _named(node: _Node) -> str:
    return f"node {(node.name or node.output[0])[:60]!r} ({node.op_type})"


def _compare(reader: _Reader, model: Any, network: CellNetwork, read: _Read, source: str) -> None:  # pyright: ignore[reportExplicitAny]
    """Makes sure that the nodes compute what was read."""
    from onnx import TensorProto, helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    del model.graph.node[:], model.graph.initializer[:], model.graph.output[1:]
    model.graph.node.extend(reader.kept)
    model.graph.initializer.extend(numpy_helper.from_array(each, name) for name, each in reader.constants.items())
    given = reader.inputs[0].type.tensor_type
    kind = helper.tensor_dtype_to_np_dtype(given.elem_type or TensorProto.FLOAT)
    sizes, errors, expected = [size.dim_value for size in given.shape.dim], [], np.ones(1)
    if len(sizes) not in (2, 3):
        raise InputError(source, f"its input has {len(sizes)} dimensions; batch and time, and a width, are read")
    for swapped in (False, True):
        rows, steps = sizes[swapped] or _ROWS, sizes[not swapped] or compared_steps(network)
        x = np.random.default_rng(0).integers(network.low, network.high, (rows, steps, network.streams), endpoint=True)
        expected = network.logits(network.states(x)[:, 1:].reshape(-1, network.size)).reshape(rows, steps, -1)
        values = x if network.embedding is None else x - network.low
        if len(sizes) == 3 and network.embedding is not None and "input" not in read.said:
            values = np.eye(len(network.embedding))[values[:, :, 0]]
        values = (values[:, :, 0] if len(sizes) == 2 else values).astype(kind)
        try:
            fed = {reader.inputs[0].name: values.swapaxes(0, 1) if swapped else values}
            found = np.asarray(next(iter(ReferenceEvaluator(model).run([model.graph.output[0].name], fed))))
            found = found.reshape(steps, rows, -1).swapaxes(0, 1) if swapped else found.reshape(rows, steps, -1)
            errors.append(largest_difference(found, expected))
        except Exception:
            continue
    if not min(errors, default=np.inf) <= _NEAR * float(np.abs(expected).max()) < np.inf:
        problem = f"its outputs differ by {min(errors):.2g} from those of" if errors else "it does not evaluate as"
        raise InputError(source, f"{problem} its layers as they were read; the read-out must see every step")
