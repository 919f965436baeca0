"""The networks that are opened: h' = f(h, x), y = g(h'), both multilayer perceptrons, h starting at 0.

Source: arXiv 2402.05110, section on the network class; other activations than ReLU are ours.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

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
