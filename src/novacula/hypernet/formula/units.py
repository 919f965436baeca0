"""What each hidden unit of a two-layer network looks at: one input, two, their sum, something linear, or no pattern.

A unit adds v φ(W·x + b) to the output. Its row W is read as w d + u (1, …, 1) + rest, where the direction d is one
input, the sum or difference of two, or the sum of all, and u is a background that all inputs share. Source: ours, after
arXiv 2312.03051, whose algorithms are made of such units.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from novacula.hypernet.activations import ACTIVATIONS
from novacula.hypernet.config import Activation

Pattern = Literal["entry", "pair+", "pair-", "total"]

_DEAD = 2e-3
"""Share of all units' strength below which a unit counts as a constant."""
_BENT = 0.1
"""Share of its own variation up to which a unit's bend is overlooked,"""
_CURVED = 0.02
"""and share of the output's."""


@dataclass(frozen=True)
class Shallow:
    """One output of a network with at most one hidden layer.

    Attributes:
        activation: of the hidden units.
        rows: weights into them.
        biases: of them.
        outs: weights out of them.
        direct: weights from the inputs straight to the output.
        constant: bias of the output.
    """

    activation: Activation
    rows: Float[np.ndarray, "units inputs"]
    biases: Float[np.ndarray, " units"]
    outs: Float[np.ndarray, " units"]
    direct: Float[np.ndarray, " inputs"]
    constant: float

    def __call__(self, x: Float[np.ndarray, "batch inputs"]) -> Float[np.ndarray, " batch"]:
        """The output at some points."""
        return (
            ACTIVATIONS[self.activation].function(x @ self.rows.T + self.biases) @ self.outs
            + x @ self.direct
            + self.constant
        )


@dataclass(frozen=True)
class Unit:
    """A unit that does not just add a plane.

    Attributes:
        pattern: of its direction.
        member: the indices of the direction; none for the sum of all.
        weight: along the direction.
        background: on every input.
        bias: of the unit.
        out: to the output.
        index: of the unit.
        straight: whether it stands on the sum of all inputs, so far from its bend that it is linear.
    """

    pattern: Pattern
    member: tuple[int, ...]
    weight: float
    background: float
    bias: float
    out: float
    index: int
    straight: bool = False


@dataclass(frozen=True)
class Sorted:
    """The units of a network by what they do.

    Attributes:
        units: those with a pattern.
        flat: indices of linear and dead units.
        planes: of the flat units, slope and offset of the line that stands for φ.
        strength: the standard deviation of what each unit adds.
        loose: indices of units without a pattern.
    """

    units: tuple[Unit, ...]
    flat: tuple[int, ...]
    planes: Float[np.ndarray, "flat 2"]
    strength: Float[np.ndarray, " units"]
    loose: tuple[int, ...]

    @property
    def looseness(self) -> float:
        """The share of all strength that is in units without a pattern."""
        return float(self.strength[list(self.loose)].sum() / max(self.strength.sum(), 1e-300))

    def slopes(self, network: Shallow) -> Float[np.ndarray, " inputs"]:
        """What the flat units and the direct weights do together: a coefficient for each input."""
        indices = list(self.flat)
        return network.direct + (network.outs[indices] * self.planes[:, 0]) @ network.rows[indices]

    def offset(self, network: Shallow) -> float:
        """What they add when all inputs are 0, with the output's bias."""
        indices = list(self.flat)
        lines = self.planes[:, 0] * network.biases[indices] + self.planes[:, 1]
        return float(network.constant + network.outs[indices] @ lines)


def direction(pattern: Pattern, member: tuple[int, ...], inputs: int) -> Float[np.ndarray, " inputs"]:
    """The row of weight 1 along a direction."""
    row = np.zeros(inputs)
    match pattern:
        case "total":
            row[:] = 1.0
        case "pair-":
            row[list(member)] = 1.0, -1.0
        case _:
            row[list(member)] = 1.0
    return row


def sort_units(network: Shallow, x: Float[np.ndarray, "batch inputs"]) -> Sorted:
    """Tells what each unit does on inputs such as these."""
    z = x @ network.rows.T + network.biases
    values = ACTIVATIONS[network.activation].function(z)
    strength = np.abs(network.outs) * values.std(0)
    curved = _CURVED * float((values @ network.outs).std())
    units, flat, planes, loose = [], [], [], []
    for index in range(len(network.rows)):
        if strength[index] <= _DEAD * strength.sum():
            flat.append(index)
            planes.append((0.0, float(values[:, index].mean())))
            continue
        slope, offset, left = _line(z[:, index], values[:, index])
        straight = left < _BENT * float(values[:, index].std()) and left * abs(network.outs[index]) < curved
        unit = _pattern(network, index)
        if straight and not (unit and unit.pattern == "total"):
            flat.append(index)
            planes.append((slope, offset))
        elif unit:
            units.append(replace(unit, straight=bool(straight)))
        else:
            loose.append(index)
    if x.shape[1] == 2:
        # Of two inputs the sum of all is the sum of a pair, where there are others to go with it.
        found = {unit.pattern for unit in units}
        moves = [u.pattern == "total" and ("pair-" in found or ("entry" in found and not u.straight)) for u in units]
        pairs = zip(units, moves, strict=True)
        units = [replace(unit, pattern="pair+", member=(0, 1)) if moved else unit for unit, moved in pairs]
    return Sorted(tuple(units), tuple(flat), np.array(planes).reshape(-1, 2), strength, tuple(loose))


def _line(z: np.ndarray, value: np.ndarray) -> tuple[float, float, float]:
    """Slope and offset of the best line, and the standard deviation of what it leaves."""
    spread = float(z.var())
    slope = float(((z - z.mean()) * (value - value.mean())).mean()) / max(spread, 1e-300)
    offset = float(value.mean() - slope * z.mean())
    return slope, offset, float((value - slope * z - offset).std())


def _pattern(network: Shallow, index: int) -> Unit | None:
    row, bias, out = network.rows[index], float(network.biases[index]), float(network.outs[index])
    n, energy, mean = len(row), float((row**2).sum()), float(row.mean())
    if n > 1 and n * mean**2 > 0.7 * energy:
        return Unit("total", (), mean, 0.0, bias, out, index)
    found = _directed(row, bias, out, index, 0.0)
    if n > 4 and (other := _directed(row, bias, out, index, float(np.median(row))))[1] < 0.5 * found[1]:
        return other[0]
    return found[0]


def _directed(row: np.ndarray, bias: float, out: float, index: int, background: float) -> tuple[Unit | None, float]:
    """The unit as one input or two above a background, and the energy of what is left of its row."""
    rest, n = row - background, len(row)
    order = np.argsort(-np.abs(rest), kind="stable")
    first, second = int(order[0]), int(order[min(1, n - 1)])
    energy = float((rest**2).sum())
    pair = rest[first] ** 2 + rest[second] ** 2
    if n > 1 and abs(rest[second]) > 0.5 * abs(rest[first]) and pair > 0.7 * energy:
        one, two = sorted((first, second))
        same = rest[one] * rest[two] > 0
        weight = float(rest[one] + (rest[two] if same else -rest[two])) / 2
        unit = Unit("pair+" if same else "pair-", (one, two), weight, background, bias, out, index)
        return unit, energy - 2 * weight**2
    unit = Unit("entry", (first,), float(rest[first]), background, bias, out, index)
    left = energy - float(rest[first]) ** 2
    return unit if left < 0.5 * energy else None, left
