"""Target networks, which hypernetworks write and the analyst reads, and their files. Source: ours.

A file is safetensors: tensors `weight.<i>` (out × in) and `bias.<i>`, layers in order from 0, and `bypass` (outputs ×
inputs) where there is one. Metadata: `activation`; and optionally `task`, `switches` (a JSON object of `biases`,
`output_bias`, `residual`, `bypass`) and `provenance` (a JSON object)."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast, get_args

import numpy as np
from jaxtyping import Float
from typing_extensions import override

from novacula.errors import InputError, refuse
from novacula.files import (
    JSON,
    StrPath,
    check_json,
    decode_safetensors,
    parse_json,
    read_tensor_bytes,
    safetensors_metadata,
    unless_sound,
    write_safetensors,
)
from novacula.hypernet.architecture import ACTIVATIONS, DEEPEST, Architecture
from novacula.hypernet.config import Activation
from novacula.runs.notebook import drawn_by


@dataclass(frozen=True, eq=False, repr=False)
class TargetNetwork:
    """A network that was written to be read: float64, immutable.

    Raises:
        InputError: weights that are not finite, or of shapes that are not those of the architecture.
    """

    architecture: Architecture  #: its shape
    weights: tuple[Float[np.ndarray, "_ _"], ...]  #: the matrix of every layer
    biases: tuple[Float[np.ndarray, " _"], ...]  #: the offsets of every layer, zeros where they are switched off
    bypass: Float[np.ndarray, "outputs inputs"] | None = None  #: the direct map from inputs to outputs
    task: str | None = None  #: the name of its task
    provenance: Mapping[str, JSON] = field(default_factory=dict)
    """Its origin as JSON; for example β, seed and price of a generated network."""

    def __post_init__(self) -> None:
        sizes = self.architecture.sizes
        found = [*(w.shape for w in self.weights), *(b.shape for b in self.biases)]
        wanted = [*zip(sizes[1:], sizes[:-1], strict=True), *((size,) for size in sizes[1:])]
        found += [] if self.bypass is None else [self.bypass.shape]
        wanted += [(sizes[-1], sizes[0])] if self.architecture.bypass else []
        if found != wanted:
            raise InputError("network", f"weights, biases and bypass of shapes {found}; {wanted} are needed")
        object.__setattr__(self, "weights", tuple(map(_frozen, self.weights)))
        object.__setattr__(self, "biases", tuple(map(_frozen, self.biases)))
        if self.bypass is not None:
            object.__setattr__(self, "bypass", _frozen(self.bypass))
        numbers = [*self.weights, *self.biases, *([] if self.bypass is None else [self.bypass])]
        if not all(np.isfinite(array).all() for array in numbers):
            raise InputError("network", "weights, biases and bypass must be finite")

    @override
    def __repr__(self) -> str:
        shape = f"{'-'.join(map(str, self.architecture.sizes))}, {self.architecture.activation}"
        return f"<TargetNetwork {shape}{f', {self.task}' if self.task else ''}>"

    _repr_html_ = drawn_by("novacula.hypernet.draw.pictures:network_html")

    def __call__(self, x: Float[np.ndarray, "batch inputs"]) -> Float[np.ndarray, "batch outputs"]:
        """Returns the outputs for many inputs; infinite or NaN where the network explodes."""
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = 0.0 if self.bypass is None else np.asarray(x, np.float64) @ self.bypass.T
            return outputs + self._hidden(x) @ self.weights[-1].T + self.biases[-1]

    def _hidden(self, x: Float[np.ndarray, "batch inputs"]) -> Float[np.ndarray, "batch units"]:
        activation, values = ACTIVATIONS[self.architecture.activation].function, np.asarray(x, np.float64)
        for layer, (weight, bias) in enumerate(zip(self.weights[:-1], self.biases, strict=False)):
            below, values = values, activation(values @ weight.T + bias)
            if self.architecture.adds_input(layer):
                values = values + below
        return values

    def size(self, x: Float[np.ndarray, "batch inputs"]) -> float:
        """Returns the largest sum of magnitudes that an output is added up from: the scale of its rounding errors."""
        with np.errstate(over="ignore", invalid="ignore"):
            sums = np.abs(self._hidden(x)) @ np.abs(self.weights[-1]).T + np.abs(self.biases[-1])
            sums = sums if self.bypass is None else sums + np.abs(x) @ np.abs(self.bypass).T
            return float(sums.max(initial=0.0))


def _frozen(array: np.ndarray) -> np.ndarray:
    copy = np.array(array, np.float64, order="C")
    copy.flags.writeable = False
    return copy


def with_noise(network: TargetNetwork, share: float, generator: np.random.Generator) -> TargetNetwork:
    """Returns the network with every weight and bias times 1 + share · a standard normal number."""

    def noisy(array: np.ndarray) -> np.ndarray:
        return array * (1 + share * generator.standard_normal(array.shape))

    bypass = None if network.bypass is None else noisy(network.bypass)
    weights, biases = tuple(map(noisy, network.weights)), tuple(map(noisy, network.biases))
    return replace(network, weights=weights, biases=biases, bypass=bypass)


def shuffled(network: TargetNetwork, generator: np.random.Generator) -> TargetNetwork:
    """Returns the network with the units of every hidden layer in random order.

    Layers that add their input to their output get the order of the layer below.
    """
    weights, biases = list(network.weights), list(network.biases)
    order = np.arange(network.architecture.inputs)
    for layer, size in enumerate(network.architecture.hidden):
        order = order if network.architecture.adds_input(layer) else generator.permutation(size)
        weights[layer], biases[layer] = weights[layer][order], biases[layer][order]
        weights[layer + 1] = weights[layer + 1][:, order]
    return replace(network, weights=tuple(weights), biases=tuple(biases))


MAX_BYTES = 64_000_000  #: the largest file that is read
_NAME = re.compile(r"(weight|bias)\.(0|[1-9][0-9]?)|bypass")


def write_network(path: StrPath, network: TargetNetwork) -> None:
    """Replaces a file by the network, atomically, in float64.

    Raises:
        OSError: the disk refuses.
        ValueError: a provenance that is no JSON.
    """
    provenance = dict(network.provenance)
    check_json(provenance)
    arrays = {f"weight.{layer}": weight for layer, weight in enumerate(network.weights)}
    arrays |= {f"bias.{layer}": bias for layer, bias in enumerate(network.biases)}
    if network.bypass is not None:
        arrays["bypass"] = network.bypass
    metadata = {
        "activation": network.architecture.activation,
        "switches": json.dumps(network.architecture.switches()),
        "provenance": json.dumps(provenance),
    }
    write_safetensors(path, arrays, metadata | ({"task": network.task} if network.task else {}))


def network_tensor_names(names: Iterable[str]) -> bool:
    """Returns whether all names are those of the tensors of a target network's file."""
    return all(_NAME.fullmatch(name) for name in names)


def read_network(path: StrPath) -> TargetNetwork:
    """Returns the network of a file.

    Biases that a file lacks are zeros. They are switched off unless the switches of the file say otherwise.

    Raises:
        InputError: the file is unreadable or no safetensors file; a tensor is missing, unknown, no floating point,
            not finite or of a shape that does not fit; or metadata are unknown. Every broken rule is listed.
    """
    source = os.fspath(path)
    data = read_tensor_bytes(path, max_bytes=MAX_BYTES)
    arrays = decode_safetensors(data, source)
    metadata = safetensors_metadata(data, source)
    problems = [problem for name, array in arrays.items() for problem in _broken(name, array)]
    problems += _misfits(arrays) if not problems else []
    activation = metadata.get("activation")
    if activation not in get_args(Activation):
        said = "is missing" if activation is None else f"is {activation[:40]!r}"
        problems.append(f"metadata activation {said}; one of {', '.join(get_args(Activation))}")
    switches = _object(metadata, "switches", source)
    provenance = _object(metadata, "provenance", source)
    unknown = [f"{k}: {v}" for k, v in switches.items() if k not in _SWITCHES or not isinstance(v, bool)]
    if unknown:
        problems.append(f"metadata switches hold {unknown[0][:60]!r}; {', '.join(_SWITCHES)}, true or false")
    refuse(problems, source)
    return _assembled(arrays, cast(Activation, activation), switches, metadata.get("task"), provenance, source)


_SWITCHES = ("biases", "output_bias", "residual", "bypass")


def _object(metadata: Mapping[str, str], key: str, source: str) -> dict[str, Any]:
    value = parse_json(metadata.get(key, "{}").encode(), f"{source} (metadata {key})")
    if not isinstance(value, dict):
        raise InputError(source, f"metadata {key} is no JSON object")
    return value


def _broken(name: str, array: np.ndarray) -> list[str]:
    """What is wrong with one tensor by itself."""
    if not (match := _NAME.fullmatch(name)):
        return [f"tensor {name[:40]!r} belongs to no layer; weight.0, bias.0, weight.1, …, and bypass do"]
    if array.dtype.kind != "f":
        return [f"tensor {name} is of {array.dtype}; weights are floating point numbers"]
    return unless_sound(name, array, dimensions=1 if match[1] == "bias" else 2)


def _misfits(arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Tensors that are missing, and shapes that do not fit each other."""
    layers = 1 + max((int(name.split(".")[1]) for name in arrays if name != "bypass"), default=0)
    missing = [f"weight.{layer}" for layer in range(layers) if f"weight.{layer}" not in arrays]
    if missing or layers > DEEPEST:
        return [f"tensor {name} is missing" for name in missing]
    problems, width, what = [], arrays["weight.0"].shape[1], "the inputs"
    for layer in range(layers):
        rows, columns = arrays[f"weight.{layer}"].shape
        if columns != width:
            problems.append(f"tensor weight.{layer} has {columns} columns; {what} are {width}")
        width, what = rows, f"the rows of weight.{layer}"
        if (bias := arrays.get(f"bias.{layer}")) is not None and len(bias) != rows:
            problems.append(f"tensor bias.{layer} has {len(bias)} numbers; its weight has {rows} rows")
    ends = (width, arrays["weight.0"].shape[1])
    if (bypass := arrays.get("bypass")) is not None and bypass.shape != ends:
        problems.append(f"tensor bypass has shape {bypass.shape}; outputs × inputs are {ends}")
    return problems


def _assembled(
    arrays: Mapping[str, np.ndarray],
    activation: Activation,
    switches: Mapping[str, bool],
    task: str | None,
    provenance: Mapping[str, JSON],
    source: str,
) -> TargetNetwork:
    layers = sum(name.startswith("weight") for name in arrays)
    weights = tuple(arrays[f"weight.{layer}"].astype(np.float64) for layer in range(layers))
    biases = tuple(
        arrays.get(f"bias.{layer}", np.zeros(len(weight))).astype(np.float64) for layer, weight in enumerate(weights)
    )
    found = {
        "biases": any(f"bias.{layer}" in arrays for layer in range(layers - 1)),
        "output_bias": f"bias.{layers - 1}" in arrays,
        "residual": False,
        "bypass": "bypass" in arrays,
    } | dict(switches)
    off = {
        "biases": any(bias.any() for bias in biases[:-1]),
        "output_bias": biases[-1].any(),
        "bypass": "bypass" in arrays,
    }
    problems = [f"metadata switch {name} is off, yet there are such weights" for name in off if off[name] > found[name]]
    problems += (
        ["metadata switch bypass is on, yet tensor bypass is missing"] if found["bypass"] > off["bypass"] else []
    )
    refuse(problems, source)
    sizes = (weights[0].shape[1], *map(len, weights))
    bypass = arrays["bypass"].astype(np.float64) if "bypass" in arrays else None
    return TargetNetwork(Architecture(sizes, activation, **found), weights, biases, bypass, task, provenance)
