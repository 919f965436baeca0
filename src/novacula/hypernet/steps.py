"""Steps of other libraries' networks, and the target network that they make. Source: ours.

A step is an affine map or the name of an activation. Neighboring affine maps are multiplied together. A logistic unit
is a hyperbolic tangent: 1 / (1 + exp(-z)) = (1 + tanh(z / 2)) / 2.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Float

from novacula.errors import InputError
from novacula.hypernet.architecture import ACTIVATIONS, Architecture
from novacula.hypernet.network import TargetNetwork

ALIASES = {name: name for name in ACTIVATIONS} | {"silu": "swish", "sigmoid": "logistic", "logistic": "logistic"}
"""The names of activations, and what they are called here."""
_CHECKED = 64
"""Random inputs on which a network is compared with what the other library computes."""
Run = Callable[[Float[np.ndarray, "batch inputs"]], Float[np.ndarray, "batch outputs"]]


@dataclass(frozen=True, eq=False)
class Affine:
    """A map x ↦ weight · x + bias.

    Attributes:
        weight: its matrix; a vector stands for a diagonal one.
        bias: its offset; None for zeros.
    """

    weight: np.ndarray
    bias: np.ndarray | None = None

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
    if problems:
        raise InputError(source, *problems)
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
    """The network, if the other library computes the same."""
    x = np.random.default_rng(0).standard_normal((_CHECKED, network.architecture.inputs))
    try:
        theirs = run(x)
    except Exception as error:
        raise InputError(
            source, f"cannot be run on {network.architecture.inputs} numbers: {str(error)[:200]}"
        ) from error
    ours = network(x)
    off = (
        math.inf if ours.shape != theirs.shape else float(np.max(np.abs(ours - theirs)) / (1 + np.max(np.abs(theirs))))
    )
    if not off <= tolerance:
        raise InputError(source, f"computes something else than its layers in order: outputs differ by {off:.3g}")
    return network
