"""What every unit of the first hidden layer does, measured on the inputs that the network is meant for.

A unit adds v σ(W·x + b) to the layer above. Weights alone do not tell whether it bends: swish is straight far from 0
and close to it. So a unit's strength is the standard deviation of what it adds, and its bend that of what no linear
function of W·x explains. Source: ours, in place of the rule b > 3 |W|.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from novacula.hypernet.activations import ACTIVATIONS
from novacula.hypernet.network import TargetNetwork

LARGEST = 1e30
"""Weight beyond which nothing is measured."""
DEAD = 0.02
"""Share of the strongest unit's strength below which a unit is dead; of the total it would depend on their number."""
LINEAR = 0.1
"""Bend, as a share of its strength, below which a unit is linear, unless it bends as much as others do; a rectifier has
0.52."""
BENT = 0.2
"""Share of the most bent unit's bend above which a unit is bent all the same: networks may add up small curvatures."""
SPIKE = 0.5
"""Concentration above which a unit looks at one input."""
OFF_CENTER = 0.5
"""How far from 0, in standard deviations of an input, a spike's kink may lie."""


@dataclass(frozen=True)
class Units:
    """The first hidden layer. All arrays have one entry for each unit.

    Attributes:
        rows: weights from the inputs.
        biases: of the units.
        outs: weights to the output; of several outputs, or in a deep network, their length, of the sign of their sum.
        strength: standard deviation of what the unit adds.
        bend: standard deviation of what of that is not linear in the inputs.
        owner: the input of the largest weight.
        concentration: the share of that weight in the square of the row's length, 1/n to 1.
        slope: out times |largest weight|.
        dead: no strength.
        linear: alive and not bent.
        spike: alive, bent at 0, and concentrated on its owner.
    """

    rows: Float[np.ndarray, "units inputs"]
    biases: Float[np.ndarray, " units"]
    outs: Float[np.ndarray, " units"]
    strength: Float[np.ndarray, " units"]
    bend: Float[np.ndarray, " units"]
    owner: Int[np.ndarray, " units"]
    concentration: Float[np.ndarray, " units"]
    slope: Float[np.ndarray, " units"]
    dead: Bool[np.ndarray, " units"]
    linear: Bool[np.ndarray, " units"]
    spike: Bool[np.ndarray, " units"]

    @property
    def bent(self) -> Bool[np.ndarray, " units"]:
        """Units that are alive and not linear."""
        return ~self.dead & ~self.linear

    @property
    def side(self) -> Float[np.ndarray, " units"]:
        """The sign of the largest weight."""
        return np.sign(self.rows[np.arange(len(self.owner)), self.owner])


def measure_units(network: TargetNetwork, x: Float[np.ndarray, "batch inputs"]) -> Units:
    """The units of the first hidden layer, on some inputs; none in a network without hidden units."""
    inputs = network.architecture.inputs
    if not network.architecture.hidden:
        nothing, none = np.zeros(0), np.zeros(0, bool)
        return Units(
            np.zeros((0, inputs)), nothing, nothing, nothing, nothing, np.zeros(0, int), nothing, nothing, *[none] * 3
        )
    rows, biases, above = network.weights[0], network.biases[0], network.weights[1]
    total = above.sum(0)
    outs = above[0] if len(above) == 1 else np.linalg.norm(above, axis=0) * np.where(total < 0, -1.0, 1.0)
    z = x @ rows.T + biases
    values = ACTIVATIONS[network.architecture.activation].function(z)
    moved = z - z.mean(0)
    line = (moved * values).mean(0) / np.maximum((moved**2).mean(0), 1e-300)
    strength = np.abs(outs) * values.std(0)
    bend = np.abs(outs) * (values - line * moved).std(0)
    owner, places = np.abs(rows).argmax(1), np.arange(len(rows))
    largest = np.abs(rows[places, owner])
    concentration = largest**2 / np.maximum((rows**2).sum(1), 1e-300)
    dead = strength <= DEAD * strength.max(initial=0.0)
    linear = ~dead & (bend <= LINEAR * strength) & (bend <= BENT * bend[~dead].max(initial=0.0))
    centered = np.abs(biases) <= OFF_CENTER * x[:, owner].std(0) * largest
    spike = ~dead & ~linear & centered & (concentration > SPIKE)
    return Units(rows, biases, outs, strength, bend, owner, concentration, outs * largest, dead, linear, spike)


def unit_rows(rows: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
    """Every row at length 1; zeros stay zeros."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)


def can_be_measured(network: TargetNetwork) -> bool:
    """Whether no weight is so large that squares of outputs, or of what units add, could be infinite."""
    return all(float(np.abs(array).max(initial=0.0)) <= LARGEST for array in (*network.weights, *network.biases))
