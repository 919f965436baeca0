"""The reader of a hidden layer: what every unit does, and what it looks at. Labels and formulas rest on it.

A unit adds v σ(W·x + b) to an output. Weights alone do not tell whether it bends: swish is straight far from 0 and
close to it. So units are measured on inputs. The *strength* of a unit is the standard deviation of what it adds. Its
*bend* is the standard deviation of what no linear function of W·x explains. A dead unit has no strength, and a linear
one no bend. The row W is read as w d + u (1, …, 1) + rest: the direction d is one input, the sum or difference of two,
or the sum of all, and u is a background. Source: ours, in place of the rule b > 3 |W| of arXiv 2312.03051.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from novacula.hypernet.analyst.thresholds import THRESHOLDS
from novacula.hypernet.architecture import ACTIVATIONS
from novacula.hypernet.config import Activation
from novacula.hypernet.network import TargetNetwork

Pattern = Literal["entry", "pair+", "pair-", "total"]
"""What a direction is: one input, the sum of two, their difference, or the sum of all."""


@dataclass(frozen=True)
class Direction:
    """What a unit looks at."""

    pattern: Pattern  #: one input, the sum or difference of two, or the sum of all
    member: tuple[int, ...] = ()  #: the indices of these inputs, ascending; none for the sum of all

    @property
    def signed(self) -> list[tuple[float, int]]:
        """The inputs of the direction with their signs in it."""
        return list(zip((1.0, -1.0 if self.pattern == "pair-" else 1.0), self.member, strict=False))

    def row(self, inputs: int) -> Float[np.ndarray, " inputs"]:
        """The row of weight 1 along the direction."""
        row = np.zeros(inputs)
        row[list(self.member) if self.member else slice(None)] = (1.0, -1.0) if self.pattern == "pair-" else 1.0
        return row


_ROUNDING = 1e-12  #: a share of the largest value, below which what varies is rounding
TOTAL = Direction("total")  #: the sum of all inputs


@dataclass(frozen=True)
class Layer:
    """A hidden layer and the weights that lead on from it."""

    activation: Activation  #: the units' activation
    rows: Float[np.ndarray, "units inputs"]  #: weights into them
    biases: Float[np.ndarray, " units"]  #: the units' biases
    outs: Float[np.ndarray, " units"]  #: weights out of them

    @classmethod
    def first_of(cls, network: TargetNetwork) -> "Layer":
        """The first hidden layer of a network; without units where there is none.

        Of several outputs, or in a deep network, a unit's weight out is their length, with the sign of their sum.
        """
        if not network.architecture.hidden:
            inputs = network.architecture.inputs
            return cls(network.architecture.activation, np.zeros((0, inputs)), np.zeros(0), np.zeros(0))
        above = network.weights[1]
        length = np.linalg.norm(above, axis=0) * np.where(above.sum(0) < 0, -1.0, 1.0)
        outs = above[0] if len(above) == 1 else length
        return cls(network.architecture.activation, network.weights[0], network.biases[0], outs)


PATTERNS: tuple[Pattern, ...] = ("entry", "pair+", "pair-", "total")  #: the patterns, from the first to the last index
ENTRY, SUM, DIFFERENCE, ALL = range(4)


@dataclass(frozen=True)
class Aims:
    """The direction that each row of a layer is read as, on a given background. Arrays have one entry for each unit.

    Several directions may explain a row. It is read as the sum of all inputs if that is enough, else as two inputs if
    these are enough, else as one.
    """

    pattern: Int[np.ndarray, " units"]  #: index in `PATTERNS`
    first: Int[np.ndarray, " units"]  #: the inputs of the largest and of the second largest weight
    second: Int[np.ndarray, " units"]  #: the inputs of the largest and of the second largest weight
    opposite: Bool[np.ndarray, " units"]  #: whether these two weights have opposite signs
    weight: Float[np.ndarray, " units"]  #: w, along the direction
    background: Float[np.ndarray, " units"]  #: u, on every input
    left: Float[np.ndarray, " units"]  #: the share of the square of the row's length that is in the rest
    readable: Bool[np.ndarray, " units"]  #: whether the row is near enough to the direction to look at it
    shares: Float[np.ndarray, "units 3"]
    """The shares of the same square that one input, two inputs and the sum of all explain."""

    def direction(self, unit: int) -> Direction:
        """The direction of a unit's row."""
        pattern, first, second = PATTERNS[self.pattern[unit]], int(self.first[unit]), int(self.second[unit])
        if pattern == "total":
            return TOTAL
        return Direction(pattern, (first,) if pattern == "entry" else (min(first, second), max(first, second)))


@dataclass(frozen=True)
class Units:
    """A hidden layer as it was read. All arrays have one entry for each unit."""

    layer: Layer  #: the weights
    strength: Float[np.ndarray, " units"]  #: standard deviation of what the unit adds
    bend: Float[np.ndarray, " units"]  #: standard deviation of what of that is not linear in the inputs
    line: Float[np.ndarray, "units 2"]
    """Slope and offset of the straight line that is nearest to σ on the inputs; of a dead unit, 0 and the mean."""
    dead: Bool[np.ndarray, " units"]  #: no strength
    linear: Bool[np.ndarray, " units"]  #: alive and not bent
    spike: Bool[np.ndarray, " units"]  #: alive, bent at 0, and concentrated on its owner
    owner: Int[np.ndarray, " units"]  #: the input of the largest weight
    concentration: Float[np.ndarray, " units"]  #: the share of that weight in the square of the row's length, 1/n to 1
    slope: Float[np.ndarray, " units"]  #: out times |largest weight|
    bare: Aims  #: what the rows look at, on no background
    raised: Aims  #: the same on a background, the median of the row

    @property
    def bent(self) -> Bool[np.ndarray, " units"]:
        """Units that are alive and not linear."""
        return ~self.dead & ~self.linear

    @property
    def side(self) -> Float[np.ndarray, " units"]:
        """The sign of the largest weight."""
        return np.sign(self.layer.rows[np.arange(len(self.owner)), self.owner])

    def aims(self, unit: int) -> Aims:
        """What a unit looks at: on a background where that leaves much less of its row."""
        if self.layer.rows.shape[1] <= 4 or self.bare.pattern[unit] == ALL:
            return self.bare
        return self.raised if self.raised.left[unit] < THRESHOLDS.raised * self.bare.left[unit] else self.bare


def read_units(layer: Layer, x: Float[np.ndarray, "batch inputs"]) -> Units:
    """Reads a hidden layer on some inputs."""
    rows, magnitude = layer.rows, np.abs(layer.outs)
    z = x @ rows.T + layer.biases
    values = ACTIVATIONS[layer.activation].function(z)
    moved = z - z.mean(0)
    slope = (moved * values).mean(0) / np.maximum((moved**2).mean(0), 1e-300)
    noise = _ROUNDING * np.abs(values).max(0)  # what rounding alone may vary
    strength, bend = (
        magnitude * np.where((spread := part.std(0)) <= noise, 0.0, spread) for part in (values, values - slope * moved)
    )
    dead = strength <= THRESHOLDS.dead * strength.max(initial=0.0)
    spread = float((values @ layer.outs).std()) * min(1.0, (THRESHOLDS.many / max(len(rows), 1)) ** 0.5)
    straight = (bend < THRESHOLDS.linear * strength) & (bend <= THRESHOLDS.overlooked * spread)
    owner, places = np.abs(rows).argmax(1), np.arange(len(rows))
    largest = np.abs(rows[places, owner])
    concentration = largest**2 / np.maximum((rows**2).sum(1), 1e-300)
    centered = np.abs(layer.biases) <= THRESHOLDS.off_center * x[:, owner].std(0) * largest
    return Units(
        layer,
        strength,
        bend,
        line=np.stack([slope * ~dead, values.mean(0) - slope * ~dead * z.mean(0)], 1),
        dead=dead,
        linear=~dead & straight,
        spike=~dead & ~straight & centered & (concentration > THRESHOLDS.spike),
        owner=owner,
        concentration=concentration,
        slope=layer.outs * largest,
        bare=_aims(rows, np.zeros(len(rows))),
        raised=_aims(rows, np.median(rows, 1)),
    )


def _aims(rows: Float[np.ndarray, "units inputs"], background: Float[np.ndarray, " units"]) -> Aims:
    """The directions of all rows, above a background; the sum of all inputs is looked for on none."""
    several, n, places = rows.shape[1] > 1, rows.shape[1], np.arange(len(rows))
    rest = rows - background[:, None]
    largest = np.argsort(-np.abs(rest), axis=1, kind="stable")
    first, second = largest[:, 0], largest[:, 1 if several else 0]
    one, two, square = rest[places, first], rest[places, second], (rest**2).sum(1)
    mean, half = rows.mean(1), (np.abs(one) + np.abs(two)) / 2
    explained = np.stack([one**2, 2 * half**2 * several, n * mean**2 * several], 1)
    total = several & (explained[:, 2] > THRESHOLDS.total * square) & ~background.any()
    two_large = (np.abs(two) > THRESHOLDS.second * np.abs(one)) & (one**2 + two**2 > THRESHOLDS.pair * square)
    pair, opposite = several & ~total & two_large, one * two < 0
    # A difference has the sign of its first input.
    lead = np.where(first < second, one, two)
    left = square - np.select([total, pair], [explained[:, 2], explained[:, 1]], explained[:, 0])
    whole = np.maximum((rows**2).sum(1), 1e-300)
    return Aims(
        np.select([total, pair & opposite, pair], [ALL, DIFFERENCE, SUM], ENTRY),
        first,
        second,
        opposite,
        np.select([total, pair], [mean, np.sign(lead) * half], one),
        background,
        left / whole,
        total | pair | (left < THRESHOLDS.entry * square),
        explained / whole[:, None],
    )


def is_enough(x: Float[np.ndarray, "batch inputs"]) -> bool:
    """Returns whether one number for each input may be fitted: through as many points as inputs any function goes."""
    return len(x) >= 2 * x.shape[1]


def linear_part(
    network: TargetNetwork, x: Float[np.ndarray, "batch inputs"], y: Float[np.ndarray, "batch outputs"]
) -> Float[np.ndarray, "inputs outputs"]:
    """Returns the coefficients of the linear function that is nearest to a network, whose outputs for x are y.

    Where points are too few for a fit, every unit is replaced by the straight line that is nearest to it, layer by
    layer. Of one hidden layer and independent normal inputs, this is the same function.
    """
    if is_enough(x):
        return np.linalg.lstsq(x - x.mean(0), y - y.mean(0), rcond=None)[0]
    activation, values, slopes = ACTIVATIONS[network.architecture.activation].function, x, np.eye(0)
    for layer, (weight, bias) in enumerate(zip(network.weights[:-1], network.biases, strict=False)):
        z, below = values @ weight.T + bias, values
        values, moved = activation(z), z - z.mean(0)
        line = (moved * values).mean(0) / np.maximum((moved**2).mean(0), 1e-300)
        added = slopes if network.architecture.adds_input(layer) else 0.0
        slopes = line[:, None] * (weight @ slopes if layer else weight) + added
        values = values + below if network.architecture.adds_input(layer) else values
    slopes = network.weights[-1] @ slopes if network.architecture.hidden else network.weights[-1]
    return (slopes if network.bypass is None else slopes + network.bypass).T


def unit_of(x: Float[np.ndarray, "batch inputs"]) -> float:
    """Returns the power of ten that is nearest to the spread of some inputs: 1 for the laws of all our tasks.

    Thresholds for places among the inputs count in this unit.
    """
    spread = float(x.std(0).max() * np.ptp(x, 0).max() / 2) ** 0.5
    return 10.0 ** round(math.log10(spread)) if spread > 0 else 1.0


def unit_rows(rows: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
    """Every row at length 1; zeros stay zeros."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)


def can_be_measured(network: TargetNetwork) -> bool:
    """Whether no weight is so large that squares of outputs, or of what units add, could be infinite."""
    arrays = (*network.weights, *network.biases)
    return all(float(np.abs(array).max(initial=0.0)) <= THRESHOLDS.largest for array in arrays)
