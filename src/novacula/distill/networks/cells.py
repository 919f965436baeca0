"""Recurrent networks as `torch.nn` has them: RNN, GRU and LSTM, of one or two layers, with a linear or MLP read-out.

A state dict with metadata describes one (`novacula.distill.networks.foreign`). This module has the equations and the
metadata. Source: ours; the equations are those of torch.nn.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from typing_extensions import override

from novacula.distill.sources.behavior import RecurrentNetwork
from novacula.distill.sources.sequences import INTEGERS, MAX_MAGNITUDE, Alphabet, Words
from novacula.runs.notebook import Brief

Activation = Literal["relu", "tanh", "sigmoid"]
Kind = Literal["RNN", "GRU", "LSTM"]
Output = Literal["round", "argmax", "sign"]
_FEWEST_STEPS, _MOST_STEPS = 6, 50  #: steps that are compared with what another library computes
GATES: dict[int, Kind] = {1: "RNN", 3: "GRU", 4: "LSTM"}
"""The kind of a layer by how many matrices are stacked in each of its tensors."""


@dataclass(frozen=True)
class Layer(Brief):
    """An affine map."""

    weight: Float[np.ndarray, "out in"]  #: its matrix
    bias: Float[np.ndarray, " out"]  #: its offset

    def __call__(self, values: Float[np.ndarray, "rows in"]) -> Float[np.ndarray, "rows out"]:
        """Returns the map of every row."""
        return values @ self.weight.T + self.bias


def largest_difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Returns the largest difference of outputs; infinite where one of them is no number."""
    return float(np.nan_to_num(np.abs(found - expected), nan=np.inf).max(initial=0))


def activate(values: np.ndarray, activation: Activation) -> np.ndarray:
    """Returns an activation, elementwise."""
    if activation == "relu":
        return np.maximum(values, 0)
    return np.tanh(values) if activation == "tanh" else 0.5 * (1 + np.tanh(0.5 * values))


@dataclass(frozen=True)
class Cell:
    """One recurrent layer."""

    kind: Kind  #: its equations
    inward: Layer  #: from the input to all gates, in torch's order
    across: Layer  #: the same from the hidden vector
    nonlinearity: Activation = "tanh"  #: the activation of an RNN

    @property
    def width(self) -> int:
        """Numbers of the hidden vector."""
        return self.across.weight.shape[1]

    @property
    def size(self) -> int:
        """Numbers of the state: an LSTM has a cell vector behind its hidden one."""
        return 2 * self.width if self.kind == "LSTM" else self.width

    def step(
        self, state: Float[np.ndarray, "rows size"], x: Float[np.ndarray, "rows in"]
    ) -> Float[np.ndarray, "rows size"]:
        """Returns the states after one more input each."""
        hidden, memory = state[:, : self.width], state[:, self.width :]
        inner, outer = self.inward(x), self.across(hidden)
        if self.kind == "RNN":
            return activate(inner + outer, self.nonlinearity)
        if self.kind == "GRU":
            (reset, update, new), (reset_h, update_h, new_h) = (np.split(part, 3, axis=1) for part in (inner, outer))
            update = activate(update + update_h, "sigmoid")
            new = np.tanh(new + activate(reset + reset_h, "sigmoid") * new_h)
            return new + update * (hidden - new)
        entering, forget, new, leaving = np.split(inner + outer, 4, axis=1)
        memory = activate(forget, "sigmoid") * memory + activate(entering, "sigmoid") * np.tanh(new)
        return np.concatenate([activate(leaving, "sigmoid") * np.tanh(memory), memory], axis=1)


@dataclass(frozen=True)
class CellNetwork(RecurrentNetwork, Brief):
    """A network of recurrent layers in float64, which start at 0."""

    cells: tuple[Cell, ...]  #: the layers; each reads the hidden vector of the one below
    readout: tuple[Layer, ...]  #: layers from the hidden vector of the last
    activation: Activation  #: after every layer of the read-out but the last
    embedding: Float[np.ndarray, "symbols width"] | None
    """A row for every input, read as its place from `low` on; None where inputs are read as numbers."""
    output: Output
    """How the read-out becomes integers: each rounded, the place of the largest, or whether each is positive."""
    low: int  #: the least integer that the network was trained to read
    high: int  #: the largest
    length: int  #: the longest sequence that it was trained on
    alphabet: Alphabet = field(default=INTEGERS)  #: what the integers stand for

    @override
    def sizes(self) -> tuple[int, int, int]:
        streams = self.cells[0].inward.weight.shape[1] if self.embedding is None else 1
        outputs = 1 if self.output == "argmax" else len(self.readout[-1].bias)
        return sum(cell.size for cell in self.cells), streams, outputs

    @property
    @override
    def shape(self) -> str:
        kinds = ", ".join(f"{cell.kind} of {cell.width}" for cell in self.cells)
        sizes = " → ".join(str(len(layer.bias)) for layer in self.readout)
        inputs = "numbers" if self.embedding is None else f"{len(self.embedding)} embedded inputs"
        return f"{kinds} on {inputs}, read out as {sizes} ({self.output})"

    @override
    def step(
        self, state: Float[np.ndarray, "rows size"], x: Int[np.ndarray, "rows streams"]
    ) -> Float[np.ndarray, "rows size"]:
        values = x.astype(np.float64)
        if self.embedding is not None:
            values = self.embedding[np.clip(x[:, 0] - self.low, 0, len(self.embedding) - 1)]
        states, begin = [], 0
        for cell in self.cells:
            states.append(cell.step(state[:, begin : begin + cell.size], values))
            begin, values = begin + cell.size, states[-1][:, : cell.width]
        return np.concatenate(states, axis=1)

    def logits(self, state: Float[np.ndarray, "rows size"]) -> Float[np.ndarray, "rows outputs"]:
        """Returns what the read-out computes."""
        last = self.cells[-1]
        values = state[:, self.size - last.size :][:, : last.width]
        for layer in self.readout[:-1]:
            values = activate(layer(values), self.activation)
        return self.readout[-1](values)

    @override
    def read(self, state: Float[np.ndarray, "rows size"]) -> Float[np.ndarray, "rows outputs"]:
        logits = self.logits(state)
        unknown = np.isnan(logits)
        if self.output == "argmax":
            return np.where(unknown.any(axis=1), np.nan, logits.argmax(axis=1))[:, None]
        return np.where(unknown, np.nan, logits > 0) if self.output == "sign" else logits

    def tensors(self) -> tuple[dict[str, np.ndarray], dict[str, str]]:
        """Returns the state dict and the metadata of its file."""
        arrays: dict[str, np.ndarray] = {} if self.embedding is None else {"embedding.weight": self.embedding}
        for number, cell in enumerate(self.cells):
            for name, layer in (("ih", cell.inward), ("hh", cell.across)):
                arrays[f"core.weight_{name}_l{number}"] = layer.weight
                arrays[f"core.bias_{name}_l{number}"] = layer.bias
        for number, layer in enumerate(self.readout):
            arrays[f"readout.{number}.weight"], arrays[f"readout.{number}.bias"] = layer.weight, layer.bias
        numbers = {"low": self.low, "high": self.high, "length": self.length}
        words = {"alphabet": self.alphabet.inputs, "answers": self.alphabet.outputs}
        return {name: np.ascontiguousarray(array) for name, array in arrays.items()}, {
            "input": "number" if self.embedding is None else "embedding",
            "output": self.output,
            "activation": self.activation,
            "nonlinearity": self.cells[0].nonlinearity,
            **{name: str(value) for name, value in numbers.items()},
            **{name: json.dumps(columns[0]) for name, columns in words.items() if columns and columns[0]},
        }


LIMITS = {**dict.fromkeys(("low", "high"), (-MAX_MAGNITUDE, MAX_MAGNITUDE)), "length": (1, 10**6)}
"""The least and the largest value of the integers that metadata have."""


def read_integers(
    metadata: Mapping[str, str],
    words: Words | None,
    problems: list[str],
    limits: Mapping[str, tuple[int, int]] = LIMITS,
) -> dict[str, int]:
    """Returns the low, high and length of metadata; adds to the problems what is wrong with them."""
    numbers = {} if words is None else {"low": 0, "high": len(words) - 1}
    for name, (least, most) in limits.items():
        text = metadata.get(name, str(numbers.get(name, "")))
        if re.fullmatch(r"-?[0-9]{1,13}", text) and least <= int(text) <= most:
            numbers[name] = int(text)
        else:
            said = f"is {text[:40]!r}" if name in metadata else "is missing"
            problems.append(f"metadata {name} {said}; an integer from {least} to {most} as text")
    if {"low", "high"} <= numbers.keys() and numbers["low"] > numbers["high"]:
        problems.append(f"metadata low is {numbers['low']}, above high, which is {numbers['high']}")
    if not problems and words is not None and numbers["high"] - numbers["low"] + 1 != len(words):
        problems.append(
            f"metadata alphabet has {len(words)} words for the inputs {numbers['low']} to {numbers['high']}"
        )
    return numbers


def read_words(metadata: Mapping[str, str], name: str, problems: list[str]) -> Words | None:
    """Returns the words of an entry of the metadata, which is a JSON list."""
    if name not in metadata:
        return None
    try:
        parsed = json.loads(metadata[name])
    except ValueError:
        parsed = None
    values = parsed if isinstance(parsed, list) else []
    texts = [value for value in values if isinstance(value, str) and 0 < len(value) <= 60 and value.isprintable()]
    if not values or len(values) not in (len(texts), sum(isinstance(value, bool) for value in values)):
        problems.append(
            f"metadata {name} is {metadata[name][:40]!r}; a JSON list of texts, or [false, true], is needed"
        )
        return None
    if name == "alphabet" and len({*values}) < len(values):
        problems.append(f"metadata alphabet is {metadata[name][:40]!r}; its words must differ")
    return tuple(values)


_CHOICES: dict[str, Sequence[str]] = {
    "input": ("embedding", "one-hot", "number"),
    "output": ("round", "argmax", "sign"),
    "nonlinearity": ("tanh", "relu"),
    "activation": ("relu", "tanh", "sigmoid"),
}


def check_choices(metadata: Mapping[str, str], problems: list[str]) -> None:
    """Adds to the problems the metadata that are none of what is allowed."""
    problems += [
        f"metadata {name} is {metadata[name][:40]!r}; one of {', '.join(choices)}"
        for name, choices in _CHOICES.items()
        if name in metadata and metadata[name] not in choices
    ]


def compared_steps(network: CellNetwork) -> int:
    """Returns how many steps of a network are compared with what another library computes."""
    return min(max(_FEWEST_STEPS, network.length), _MOST_STEPS)
