"""The networks that are opened, h' = f(h, x), y = g(h'), and their files, which anybody may have written.

Both f and g are multilayer perceptrons, and h starts at 0. A file is in the safetensors format. Its tensors are
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
from typing import Literal, cast, get_args

import numpy as np
from jaxtyping import Float, Int

from novacula.errors import InputError
from novacula.files import decode_safetensors, read_tensor_bytes, safetensors_metadata, write_safetensors

Activation = Literal["relu", "tanh", "sigmoid"]
LARGEST = 2**53
"""Beyond this, different integers may be the same float64."""


@dataclass(frozen=True)
class Layer:
    """An affine map.

    Attributes:
        weight: its matrix.
        bias: its offset.
    """

    weight: Float[np.ndarray, "out in"]
    bias: Float[np.ndarray, " out"]

    def __call__(self, values: Float[np.ndarray, "rows in"]) -> Float[np.ndarray, "rows out"]:
        """Returns the map of every row."""
        return values @ self.weight.T + self.bias


@dataclass(frozen=True)
class Network:
    """A recurrent network in float64.

    Attributes:
        f: layers of the transition; the input of the first is the state, then the inputs of all streams.
        g: layers of the readout.
        activation: after every layer but the last of f and of g.
        low: the least integer that the network was trained to read.
        high: the largest.
        length: the longest sequence that it was trained on.
    """

    f: tuple[Layer, ...]
    g: tuple[Layer, ...]
    activation: Activation
    low: int
    high: int
    length: int

    @property
    def size(self) -> int:
        """Number of coordinates of the state."""
        return len(self.f[-1].bias)

    @property
    def streams(self) -> int:
        """Number of input streams."""
        return self.f[0].weight.shape[1] - self.size

    @property
    def outputs(self) -> int:
        """Number of output streams."""
        return len(self.g[-1].bias)

    def step(
        self, state: Float[np.ndarray, "rows size"], x: Int[np.ndarray, "rows streams"]
    ) -> Float[np.ndarray, "rows size"]:
        """Returns the states after one more input each."""
        return self._apply(self.f, np.concatenate([state, x], axis=1))

    def read(self, state: Float[np.ndarray, "rows size"]) -> Float[np.ndarray, "rows outputs"]:
        """Returns the outputs of states, before rounding."""
        return self._apply(self.g, state)

    def states(self, x: Int[np.ndarray, "rows time streams"]) -> Float[np.ndarray, "rows positions size"]:
        """Returns the states before the first input, and after each."""
        states = np.zeros((len(x), x.shape[1] + 1, self.size))
        for time in range(x.shape[1]):
            states[:, time + 1] = self.step(states[:, time], x[:, time])
        return states

    def outputs_of(self, x: Int[np.ndarray, "rows time streams"]) -> Float[np.ndarray, "rows time outputs"]:
        """Returns the outputs, before rounding."""
        states = self.states(x)[:, 1:]
        return self.read(states.reshape(-1, self.size)).reshape(*x.shape[:2], -1)

    def run(self, x: Int[np.ndarray, "rows time streams"]) -> Int[np.ndarray, "rows time outputs"]:
        """Returns the outputs, each rounded to the nearest integer (`novacula.distill.behavior.Behavior`)."""
        return rounded(self.outputs_of(x))

    def _apply(self, layers: tuple[Layer, ...], values: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):  # a network that explodes in long words is a network, too
            for layer in layers[:-1]:
                values = activate(layer(values), self.activation)
            return layers[-1](values)


def rounded(outputs: Float[np.ndarray, "..."]) -> Int[np.ndarray, "..."]:
    """Returns the nearest integers of at most `LARGEST` in magnitude; 0 for what is no number."""
    return np.rint(np.clip(np.nan_to_num(outputs, nan=0.0), -LARGEST, LARGEST)).astype(np.int64)


def activate(values: np.ndarray, activation: Activation) -> np.ndarray:
    """Returns an activation, elementwise."""
    if activation == "relu":
        return np.maximum(values, 0)
    return np.tanh(values) if activation == "tanh" else 0.5 * (1 + np.tanh(0.5 * values))


MAX_BYTES = 64_000_000
"""The largest file that is read."""
_LIMITS = {"inputs": (1, 64), "low": (-(10**6), 10**6), "high": (-(10**6), 10**6), "length": (1, 10**6)}
_NAME = re.compile(r"([fg])\.(0|[1-9][0-9]?)\.(weight|bias)")
_INTEGER = re.compile(r"-?[0-9]{1,9}")


def save_network(path: str | os.PathLike[str], network: Network, dtype: type[np.floating] = np.float64) -> None:
    """Writes a network, and replaces the file atomically.

    Args:
        path: the file.
        network: what is written.
        dtype: of the weights, float64 or float32.

    Raises:
        OSError: the disk refuses.
    """
    arrays = {}
    for part, layers in (("f", network.f), ("g", network.g)):
        for index, layer in enumerate(layers):
            arrays[f"{part}.{index}.weight"] = np.ascontiguousarray(layer.weight, dtype)
            arrays[f"{part}.{index}.bias"] = np.ascontiguousarray(layer.bias, dtype)
    numbers = {"inputs": network.streams, "low": network.low, "high": network.high, "length": network.length}
    metadata = {"activation": network.activation, **{name: str(value) for name, value in numbers.items()}}
    write_safetensors(path, arrays, metadata)


def load_network(path: str | os.PathLike[str]) -> Network:
    """Returns the network of a file.

    Raises:
        InputError: listing every broken rule: unreadable or no safetensors file, a tensor that is missing, unknown,
            neither float32 nor float64, not finite or of a shape that fits no network, metadata that are missing or
            no integer within their range.
    """
    source = os.fspath(path)
    data = read_tensor_bytes(path, max_bytes=MAX_BYTES)
    arrays = decode_safetensors(data, source)
    metadata = safetensors_metadata(data, source)
    numbers, problems = _numbers(metadata)
    problems += [problem for name, array in arrays.items() for problem in _broken(name, array)]
    layers = {part: _layers(part, arrays, problems) for part in ("f", "g")}
    if problems:
        raise InputError(source, *problems)
    problems = _misfits(layers["f"], layers["g"], numbers["inputs"])
    if problems:
        raise InputError(source, *problems)
    activation = cast(Activation, metadata["activation"])
    return Network(layers["f"], layers["g"], activation, numbers["low"], numbers["high"], numbers["length"])


def _numbers(metadata: Mapping[str, object]) -> tuple[dict[str, int], list[str]]:
    """The integers of the metadata, and what is wrong with any of the metadata."""
    numbers, problems = {}, []
    if metadata.get("activation") not in get_args(Activation):
        problems.append(
            f"metadata activation {_said(metadata, 'activation')}; one of {', '.join(get_args(Activation))}"
        )
    for name, (least, most) in _LIMITS.items():
        text = metadata.get(name)
        if isinstance(text, str) and _INTEGER.fullmatch(text) and least <= int(text) <= most:
            numbers[name] = int(text)
        else:
            problems.append(f"metadata {name} {_said(metadata, name)}; an integer from {least} to {most} as text")
    if numbers.get("low", 0) > numbers.get("high", numbers.get("low", 0)):
        problems.append(f"metadata low is {numbers['low']}, above high, which is {numbers['high']}")
    return numbers, problems


def _said(metadata: Mapping[str, object], name: str) -> str:
    return f"is {str(metadata[name])[:40]!r}" if name in metadata else "is missing"


def _broken(name: str, array: np.ndarray) -> list[str]:
    """What is wrong with one tensor, whatever the others are."""
    if not (match := _NAME.fullmatch(name)):
        return [f"tensor {name[:40]!r} belongs to no layer; f.0.weight, f.0.bias, ..., g.0.weight, g.0.bias, ... do"]
    if array.dtype not in (np.float32, np.float64):
        return [f"tensor {name} is of {array.dtype}; weights are float32 or float64"]
    dimensions = 2 if match[3] == "weight" else 1
    if array.ndim != dimensions or 0 in array.shape:
        return [f"tensor {name} has shape {array.shape}; it needs {dimensions} dimension(s), none of them empty"]
    where = np.argwhere(~np.isfinite(array))
    return (
        [f"tensor {name} is {array[tuple(where[0])]} at {where[0].tolist()}; weights are finite"] if len(where) else []
    )


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
