"""The networks that are opened, h' = f(h, x), y = g(h'), and their files, which anybody may have written.

Both f and g are multilayer perceptrons, and h starts at 0. A file is in the safetensors format; that of a state dict of
torch is described in `novacula.distill.networks.foreign`. The tensors of ours are
`f.<i>.weight` (out × in), `f.<i>.bias`, `g.<i>.weight`, `g.<i>.bias`, layers in order; in the first layer of f the
state comes before the inputs. The metadata are `activation` (`relu`, `tanh` or `sigmoid`) and decimal numbers: `inputs`
(the number of streams), `low` and `high` (the integers that the network reads), and `length` (the longest sequence of
its training).

Source: arXiv 2402.05110, section on the network class; the file format and other activations than ReLU are ours.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from jaxtyping import Float, Int
from typing_extensions import override

from novacula.distill.networks.cells import LIMITS, Activation, Layer, activate, check_choices, read_integers
from novacula.distill.networks.foreign import has_cells, in_order, read_cells
from novacula.distill.sources.behavior import RecurrentNetwork
from novacula.errors import InputError, refuse
from novacula.files import (
    StrPath,
    decode_safetensors,
    read_tensor_bytes,
    safetensors_metadata,
    unless_sound,
    write_safetensors,
)
from novacula.runs.notebook import Brief


@dataclass(frozen=True)
class Network(RecurrentNetwork, Brief):
    """A network whose f and g are multilayer perceptrons, in float64."""

    f: tuple[Layer, ...]
    """Layers of the transition; the input of the first is the state, then the inputs of all streams."""
    g: tuple[Layer, ...]  #: layers of the readout
    activation: Activation  #: after every layer but the last of f and of g
    low: int  #: the least integer that the network was trained to read
    high: int  #: the largest
    length: int  #: the longest sequence that it was trained on

    @override
    def sizes(self) -> tuple[int, int, int]:
        size = len(self.f[-1].bias)
        return size, self.f[0].weight.shape[1] - size, len(self.g[-1].bias)

    @property
    @override
    def shape(self) -> str:
        sizes = [
            " → ".join(str(size) for size in (layers[0].weight.shape[1], *(len(layer.bias) for layer in layers)))
            for layers in (self.f, self.g)
        ]
        return f"state of {self.size}; f: {sizes[0]}; g: {sizes[1]}; {self.activation}"

    @override
    def step(
        self, state: Float[np.ndarray, "rows size"], x: Int[np.ndarray, "rows streams"]
    ) -> Float[np.ndarray, "rows size"]:
        return self._apply(self.f, np.concatenate([state, x], axis=1))

    @override
    def read(self, state: Float[np.ndarray, "rows size"]) -> Float[np.ndarray, "rows outputs"]:
        return self._apply(self.g, state)

    @override
    def tensors(self) -> tuple[dict[str, np.ndarray], dict[str, str]]:
        arrays = {}
        for part, layers in (("f", self.f), ("g", self.g)):
            for index, layer in enumerate(layers):
                arrays[f"{part}.{index}.weight"], arrays[f"{part}.{index}.bias"] = layer.weight, layer.bias
        numbers = {"inputs": self.streams, "low": self.low, "high": self.high, "length": self.length}
        return arrays, {"activation": self.activation, **{name: str(value) for name, value in numbers.items()}}

    def _apply(self, layers: tuple[Layer, ...], values: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):  # a network that explodes in long words is a network, too
            for layer in layers[:-1]:
                values = activate(layer(values), self.activation)
            return layers[-1](values)


MAX_BYTES = 64_000_000  #: the largest file that is read
_NAME = re.compile(r"([fg])\.(0|[1-9][0-9]?)\.(weight|bias)")


def save_network(path: StrPath, network: RecurrentNetwork, dtype: type[np.floating] = np.float64) -> None:
    """Writes a network, and replaces the file atomically.

    Args:
        path: the file.
        network: what is written.
        dtype: of the weights, float64 or float32.

    Raises:
        OSError: the disk refuses.
    """
    arrays, metadata = network.tensors()
    write_safetensors(path, {name: array.astype(dtype) for name, array in arrays.items()}, metadata)


def load_network(path: StrPath) -> RecurrentNetwork:
    """Returns the network of a file: one of ours, or a state dict of torch (`novacula.distill.networks.foreign`).

    Raises:
        InputError: listing every broken rule: unreadable or no safetensors file, a tensor that is missing, unknown,
            neither float32 nor float64, not finite or of a shape that fits no network, metadata that are missing or
            no integer within their range.
    """
    source = os.fspath(path)
    data = read_tensor_bytes(path, max_bytes=MAX_BYTES)
    arrays = decode_safetensors(data, source)
    metadata = safetensors_metadata(data, source)
    if has_cells(arrays):
        return read_cells(in_order(arrays, source), metadata, source)
    if "weight.0" in arrays and "f.0.weight" not in arrays:
        raise InputError(source, f"is a feed-forward network; `novacula hypernet classify {source}` reads it")
    problems: list[str] = []
    if "activation" not in metadata:
        problems.append("metadata activation is missing; one of relu, tanh, sigmoid")
    check_choices({"activation": metadata.get("activation", "relu")}, problems)
    numbers = read_integers(metadata, None, problems, {"inputs": (1, 64), **LIMITS})
    problems += [problem for name, array in arrays.items() for problem in _broken(name, array)]
    layers = {part: _layers(part, arrays, problems) for part in ("f", "g")}
    refuse(problems, source)
    problems = _misfits(layers["f"], layers["g"], numbers["inputs"])
    refuse(problems, source)
    activation = cast(Activation, metadata["activation"])
    return Network(layers["f"], layers["g"], activation, numbers["low"], numbers["high"], numbers["length"])


def _broken(name: str, array: np.ndarray) -> list[str]:
    """What is wrong with one tensor, whatever the others are."""
    if not (match := _NAME.fullmatch(name)):
        return [f"tensor {name[:40]!r} belongs to no layer; f.0.weight, f.0.bias, ..., g.0.weight, g.0.bias, ... do"]
    if array.dtype not in (np.float32, np.float64):
        return [f"tensor {name} is of {array.dtype}; weights are float32 or float64"]
    return unless_sound(name, array, dimensions=2 if match[3] == "weight" else 1)


def _layers(part: str, arrays: Mapping[str, np.ndarray], problems: list[str]) -> tuple[Layer, ...]:
    """The layers of f or g; adds to the problems what is missing, or is a bias of another size than its weight."""
    matches = [match for name in arrays if (match := _NAME.fullmatch(name)) and match[1] == part]
    count = max((int(match[2]) + 1 for match in matches), default=1)
    layers = []
    for name in (f"{part}.{index}" for index in range(count)):
        weight, bias = (arrays.get(f"{name}.{kind}") for kind in ("weight", "bias"))
        missing = [kind for kind, array in (("weight", weight), ("bias", bias)) if array is None]
        problems.extend(f"tensor {name}.{kind} is missing" for kind in missing)
        if weight is None or bias is None or weight.ndim != 2 or bias.ndim != 1:
            continue
        if len(weight) != len(bias):
            problems.append(f"tensor {name}.bias has {len(bias)} numbers; its weight has {len(weight)} rows")
        else:
            layers.append(Layer(weight.astype(np.float64), bias.astype(np.float64)))
    return tuple(layers)


def _misfits(f: tuple[Layer, ...], g: tuple[Layer, ...], inputs: int) -> list[str]:
    """Layers whose shapes do not go together."""
    size = len(f[-1].weight)
    problems = []
    for part, layers, width, what in (
        ("f", f, size + inputs, f"a state of {size} and {inputs} inputs"),
        ("g", g, size, f"a state of {size}"),
    ):
        for index, layer in enumerate(layers):
            rows, columns = layer.weight.shape
            if columns != width:
                problems.append(f"tensor {part}.{index}.weight has {columns} columns; {what} give {width}")
            width, what = rows, f"the rows of {part}.{index}.weight"
    return problems
