"""Target networks: what hypernetworks write and the analyst reads. Source: ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from novacula.errors import InputError
from novacula.files import JSON
from novacula.hypernet.activations import ACTIVATIONS
from novacula.hypernet.architecture import Architecture


@dataclass(frozen=True, eq=False)
class TargetNetwork:
    """A network that was written to be read: float64, immutable.

    Attributes:
        architecture: its shape.
        weights: the matrix of every layer.
        biases: the offsets of every layer, zeros where they are switched off.
        bypass: the direct map from inputs to outputs.
        task: the name of its task.
        provenance: its origin as JSON; for example β, seed and price of a generated network.

    Raises:
        InputError: weights of shapes that are not those of the architecture.
    """

    architecture: Architecture
    weights: tuple[Float[np.ndarray, "_ _"], ...]
    biases: tuple[Float[np.ndarray, " _"], ...]
    bypass: Float[np.ndarray, "outputs inputs"] | None = None
    task: str | None = None
    provenance: Mapping[str, JSON] = field(default_factory=dict)

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

    def __call__(self, x: Float[np.ndarray, "batch inputs"]) -> Float[np.ndarray, "batch outputs"]:
        """Returns the outputs for many inputs; infinite or NaN where the network explodes."""
        activation, values = ACTIVATIONS[self.architecture.activation].function, np.asarray(x, np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = 0.0 if self.bypass is None else values @ self.bypass.T
            for layer, (weight, bias) in enumerate(zip(self.weights[:-1], self.biases, strict=False)):
                below, values = values, activation(values @ weight.T + bias)
                if self.architecture.adds_input(layer):
                    values = values + below
            return outputs + values @ self.weights[-1].T + self.biases[-1]


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
