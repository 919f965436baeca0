"""The hidden units of a two-layer network as parts of a formula: on a direction, a plane, or not readable.

Source: ours, after arXiv 2312.03051, whose algorithms are made of units on single inputs and on the sum of all.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from novacula.hypernet.analyst.units import TOTAL, Direction, Layer, read_units
from novacula.hypernet.architecture import ACTIVATIONS
from novacula.hypernet.network import TargetNetwork


@dataclass(frozen=True)
class Shallow(Layer):
    """One output of a network with at most one hidden layer."""

    direct: Float[np.ndarray, " inputs"]  #: weights from the inputs straight to the output
    constant: float  #: bias of the output

    def __call__(self, x: Float[np.ndarray, "batch inputs"]) -> Float[np.ndarray, " batch"]:
        """Returns the output at some points."""
        values = ACTIVATIONS[self.activation].function(x @ self.rows.T + self.biases)
        return values @ self.outs + x @ self.direct + self.constant


def split(network: TargetNetwork) -> list[Shallow]:
    """Returns the outputs of a network of at most one hidden layer, each by itself; none of a deeper one."""
    if len(network.weights) > 2:
        return []
    inputs, activation = network.architecture.inputs, network.architecture.activation
    *hidden, last = zip(network.weights, network.biases, strict=True)
    rows, biases = hidden[0] if hidden else (np.zeros((0, inputs)), np.zeros(0))
    outputs = []
    for index, (outs, constant) in enumerate(zip(last[0], last[1].tolist(), strict=True)):
        direct = np.zeros(inputs) if network.bypass is None else network.bypass[index]
        direct, outs = (direct, outs) if hidden else (direct + outs, np.zeros(0))
        outputs.append(Shallow(activation, rows, biases, outs, direct, constant))
    return outputs


@dataclass(frozen=True)
class Unit:
    """A unit that does not just add a plane."""

    direction: Direction  #: what it looks at
    weight: float  #: the weight along the direction
    background: float  #: the weight on every input
    bias: float  #: the unit's bias
    out: float  #: the weight to the output
    straight: bool = False  #: whether it stands on the sum of all inputs, so far from its bend that it is linear


@dataclass(frozen=True)
class Reading:
    """One output of a network, its units by what they do."""

    output: Shallow  #: the weights
    units: tuple[Unit, ...]  #: those with a direction
    flat: tuple[int, ...]  #: indices of linear and dead units
    lines: Float[np.ndarray, "units 2"]  #: slope and offset of the line that is nearest to φ, for each unit
    loose: tuple[int, ...]  #: indices of units without a direction
    strength: Float[np.ndarray, " units"]  #: the standard deviation of what each unit adds

    @property
    def looseness(self) -> float:
        """The share of all strength that is in units without a direction."""
        return float(self.strength[list(self.loose)].sum() / max(self.strength.sum(), 1e-300))

    @property
    def slopes(self) -> Float[np.ndarray, " inputs"]:
        """What the flat units and the direct weights do together: a coefficient for each input."""
        indices = list(self.flat)
        return self.output.direct + (self.output.outs[indices] * self.lines[indices, 0]) @ self.output.rows[indices]

    @property
    def offset(self) -> float:
        """What they add when all inputs are 0, with the output's bias."""
        indices = list(self.flat)
        lines = self.lines[indices, 0] * self.output.biases[indices] + self.lines[indices, 1]
        return float(self.output.constant + self.output.outs[indices] @ lines)


def read_output(output: Shallow, x: Float[np.ndarray, "batch inputs"]) -> Reading:
    """Returns what each unit does on inputs such as these."""
    read = read_units(output, x)
    units, flat, loose = [], [], []
    for index, (dead, linear) in enumerate(zip(read.dead.tolist(), read.linear.tolist(), strict=True)):
        aims = read.aims(index)
        direction = aims.direction(index)
        if dead or (linear and not (aims.readable[index] and direction == TOTAL)):
            flat.append(index)
        elif aims.readable[index]:
            weight, background = float(aims.weight[index]), float(aims.background[index])
            bias, out = float(output.biases[index]), float(output.outs[index])
            units.append(Unit(direction, weight, background, bias, out, linear))
        else:
            loose.append(index)
    if x.shape[1] == 2:
        units = _of_two_inputs(units)
    return Reading(output, tuple(units), tuple(flat), read.line, tuple(loose), read.strength)


def _of_two_inputs(units: list[Unit]) -> list[Unit]:
    """Renames the sum of two inputs to that of a pair, where units on their difference, or on one input, go with it."""
    found = {unit.direction.pattern for unit in units}
    pair = Direction("pair+", (0, 1))
    return [
        replace(unit, direction=pair)
        if unit.direction == TOTAL and ("pair-" in found or ("entry" in found and not unit.straight))
        else unit
        for unit in units
    ]
