"""Networks as circuits of rectified sums: r(z) = max(z, 0), which σ(kz)/k stands for. Source: ours.

A layer holds units r(u·f + b) of the features f below; the features above are sums of its units. Comparators
b + r(a - b) make maximum, minimum, range, median and sorting (by neighbors, which is well known). With softplus the
tree of maxima is exactly (1/k) ln Σ exp(k x_i), since ln(e^a + e^b) = b + ln(1 + e^(a-b)).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from novacula.hypernet.architecture import Architecture
from novacula.hypernet.config import Activation, BuildConfig
from novacula.hypernet.network import TargetNetwork

Features = Mapping[int, float]  #: coefficients of a sum of features


class Circuit:
    """A network that is put together layer by layer; the inputs are the first features.

    The activation is swish, relu, gelu or softplus, for which σ(z) - σ(-z) = z, so that a value passes a layer
    unharmed; others do where no value is carried.
    """

    def __init__(self, config: BuildConfig) -> None:
        self._activation: Activation = config.activation
        self._slope = config.slope
        self._weights: list[np.ndarray] = []
        self._biases: list[np.ndarray] = []
        # The features now are readout · (units below) + offset.
        self._readout, self._offset = np.eye(config.inputs), np.zeros(config.inputs)
        self._units: dict[tuple[tuple[tuple[int, float], ...], float], int] = {}

    def unit(self, features: Features, bias: float = 0.0) -> int:
        """The index of the unit r(Σ coefficient · feature + bias) of the layer being made; equal ones are one."""
        key = (tuple(sorted(features.items())), bias)
        return self._units.setdefault(key, len(self._units))

    def carried(self, feature: int) -> dict[int, float]:
        """A feature as a sum of units, r(f) - r(-f)."""
        return {self.unit({feature: 1.0}): 1.0, self.unit({feature: -1.0}): -1.0}

    def larger(self, first: int, second: int) -> dict[int, float]:
        """The larger of two features, b + r(a - b)."""
        return self.carried(second) | {self.unit({first: 1.0, second: -1.0}): 1.0}

    def smaller(self, first: int, second: int) -> dict[int, float]:
        """The smaller of two features, a - r(a - b)."""
        return self.carried(first) | {self.unit({first: 1.0, second: -1.0}): -1.0}

    def layer(self, sums: list[dict[int, float]]) -> None:
        """End the layer; its sums of units are the new features."""
        rows = _matrix([dict(features) for features, _ in self._units], len(self._offset))
        biases = np.array([bias for _, bias in self._units], np.float64)
        self._weights.append(self._slope * rows @ self._readout)
        self._biases.append(self._slope * (rows @ self._offset + biases))
        self._readout, self._offset = _matrix(sums, len(self._units)) / self._slope, np.zeros(len(sums))
        self._units = {}

    def network(self, task: str, outputs: list[Features] | None = None, offset: float = 0.0) -> TargetNetwork:
        """The finished network; its outputs are sums of features, by default the features, and the offset."""
        count = len(self._offset)
        mixing = np.eye(count) if outputs is None else _matrix(outputs, count)
        weights = (*self._weights, mixing @ self._readout)
        biases = (*self._biases, mixing @ self._offset + offset)
        sizes = (weights[0].shape[1], *map(len, weights))
        return TargetNetwork(Architecture(sizes, self._activation), weights, biases, task=task)


def _matrix(sums: Sequence[Features], width: int) -> np.ndarray:
    """A row of coefficients for each sum."""
    rows = np.zeros((len(sums), width))
    for row, terms in zip(rows, sums, strict=True):
        row[list(terms)] = list(terms.values())
    return rows


def max_tree(config: BuildConfig) -> TargetNetwork:
    """The larger of every pair, then of every pair of these, and so on."""
    circuit = Circuit(config)
    _reduce(circuit, [(list(range(config.inputs)), True)])
    return circuit.network("max")


def log_sum_exp(config: BuildConfig) -> TargetNetwork:
    """The tree of maxima with softplus."""
    return max_tree(replace(config, activation="softplus"))


def min_tree(config: BuildConfig) -> TargetNetwork:
    """The smaller of every pair, then of every pair of these, and so on."""
    circuit = Circuit(config)
    _reduce(circuit, [(list(range(config.inputs)), False)])
    return circuit.network("min")


def range_tree(config: BuildConfig) -> TargetNetwork:
    """Both trees side by side, and their difference."""
    circuit, everything = Circuit(config), list(range(config.inputs))
    _reduce(circuit, [(everything, True), (everything, False)])
    return circuit.network("range", [{0: 1.0, 1: -1.0}])


def sort_network(config: BuildConfig) -> TargetNetwork:
    """As many layers as inputs, each putting neighbors in order, in turn the pairs from the first and the second."""
    return _sorted(config).network("sort")


def median_network(config: BuildConfig) -> TargetNetwork:
    """All inputs in order, and the middle one or two of them."""
    n = config.inputs
    middle = range((n - 1) // 2, n // 2 + 1)
    return _sorted(config).network("median", [dict.fromkeys(middle, 1 / len(middle))])


def _reduce(circuit: Circuit, trees: list[tuple[list[int], bool]]) -> None:
    """Halve lists of features until one of each is left: the largest where a list says so, else the least."""
    begun = False
    while not begun or any(len(features) > 1 for features, _ in trees):
        begun, sums, above = True, [], []
        for features, largest in trees:
            compare = circuit.larger if largest else circuit.smaller
            pairs = zip(features[::2], features[1::2], strict=False)
            found = [compare(first, second) for first, second in pairs]
            found += [circuit.carried(features[-1])] if len(features) % 2 else []
            above.append((list(range(len(sums), len(sums) + len(found))), largest))
            sums += found
        circuit.layer(sums)
        trees = above


def _sorted(config: BuildConfig) -> Circuit:
    circuit, n = Circuit(config), config.inputs
    for turn in range(n):
        sums = [{} for _ in range(n)]
        for place in range(turn % 2, n - 1, 2):
            sums[place], sums[place + 1] = circuit.smaller(place, place + 1), circuit.larger(place, place + 1)
        circuit.layer([terms or circuit.carried(place) for place, terms in enumerate(sums)])
    return circuit
